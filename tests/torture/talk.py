"""The control socket for the torture: sessions as `run` opens them, and the watch stream."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentspend.core.limits import MAX_CONTROL_LINE_BYTES
from agentspend.wire.control import read_answer, write_request
from tests.torture.load import Access


class Talk:
    """One connection to the daemon."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, path: Path) -> "Talk":
        """Connect."""
        limit = 16 * MAX_CONTROL_LINE_BYTES
        return cls(*await asyncio.open_unix_connection(str(path), limit=limit))

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """One request, one answer."""
        self._writer.write(write_request(op, fields))
        await self._writer.drain()
        line = await self._reader.readline()
        assert line, f"the daemon hung up before it answered {op}"
        return read_answer(line)

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def until_closed(self) -> None:
        """Wait until the daemon has hung up."""
        with suppress(ConnectionError):
            while await self._reader.readline():
                pass

    async def watch(self, hear: Callable[[dict[str, Any]], None]) -> None:
        """Hear the snapshot and then every announced event, until the daemon is dead."""
        hear(await self.ask("watch"))
        with suppress(ConnectionError):
            while (line := await self._reader.readline()).endswith(b"\n"):
                hear(read_answer(line))


async def ask(path: Path, op: str, **fields: Any) -> dict[str, Any]:
    """One request on a connection of its own."""
    talk = await Talk.open(path)
    try:
        return await talk.ask(op, **fields)
    finally:
        await talk.close()


async def open_session(path: Path, name: str, token: str = "") -> tuple[Access, Talk]:
    """Open a session, or the same one again, as `cli.session_link` does."""
    talk = await Talk.open(path)
    payer = {"member": "ana", "agent": "claude", "session": name}
    fields = {"token": token} if token else {"token": secrets.token_urlsafe(32)}
    opened = await talk.ask("session.open", session=name, payer=payer, auth="auto", **fields)
    url = f"http://127.0.0.1:{opened['port']}/s/{opened['token']}"
    return Access(name, opened["token"], url), talk
