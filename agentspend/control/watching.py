"""Following a running daemon: its watch stream, and questions beside it, without blocking.

For the live screen. Messages are those of `tui.source`: the daemon's own events as they come, and
whatever of the snapshot and the ledger they changed, at most twice a second.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from agentspend.core.errors import AgentspendError, DaemonUnreachable
from agentspend.core.limits import MAX_CONTROL_LINE_BYTES, READ_PAGE_ROWS
from agentspend.wire.control import read_answer, write_request

Message = dict[str, Any]
REFRESH_S = 0.5
SILENT = frozenset({"snapshot"})


class Line:
    """One open conversation."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, path: Path) -> "Line":
        """Call the daemon; `DaemonUnreachable` when nobody answers."""
        try:
            reader, writer = await asyncio.open_unix_connection(
                str(path), limit=16 * MAX_CONTROL_LINE_BYTES
            )
        except OSError as error:
            raise DaemonUnreachable("no daemon runs", "agentspend daemon start") from error
        return cls(reader, writer)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def send(self, op: str, **fields: object) -> None:
        """Ask for something."""
        self._writer.write(write_request(op, fields))
        await self._writer.drain()

    async def receive(self) -> Message:
        """The next answer; `DaemonUnreachable` when the daemon hung up."""
        try:
            line = await self._reader.readline()
        except (OSError, ValueError) as error:
            raise DaemonUnreachable("the connection to the daemon broke", "") from error
        if not line:
            raise DaemonUnreachable("the daemon stopped", "agentspend daemon start")
        return read_answer(line)

    async def ask(self, op: str, **fields: object) -> Message:
        """One question, one answer."""
        try:
            await self.send(op, **fields)
        except OSError as error:
            raise DaemonUnreachable("the connection to the daemon broke", "") from error
        return await self.receive()


async def follow(path: Path) -> AsyncIterator[Message]:
    """Everything a screen needs, from now until the daemon is gone (`DaemonUnreachable`)."""
    watching, asking = await Line.open(path), await Line.open(path)
    news: asyncio.Queue[Message | None] = asyncio.Queue()
    reader = asyncio.get_running_loop().create_task(_read(watching, news))
    try:
        async for message in _told(watching, asking, news):
            yield message
    finally:
        reader.cancel()
        watching.close()
        asking.close()


async def _read(watching: Line, news: "asyncio.Queue[Message | None]") -> None:
    """Queue what the watch stream says; None when it ends."""
    try:
        while True:
            news.put_nowait(await watching.receive())
    except AgentspendError:
        news.put_nowait(None)


async def _told(
    watching: Line, asking: Line, news: "asyncio.Queue[Message | None]"
) -> AsyncIterator[Message]:
    await watching.send("watch")
    seq, stale = 0, False
    while True:
        try:
            async with asyncio.timeout(REFRESH_S if stale else None):
                message = await news.get()
        except TimeoutError:
            stale = False
            async for each in _entries(asking, seq):
                seq = each["entries"][-1]["seq"]
                yield each
            yield {"event": "status", "running": True, **await asking.ask("status")}
            continue
        if message is None or message.get("bye"):
            raise DaemonUnreachable("the daemon stopped", "agentspend daemon start")
        if message["event"] == "snapshot":
            whole = await asking.ask("top")
            yield {"event": "top", "running": True, **whole}
            seq = whole["day"]["after_seq"]
            async for each in _entries(asking, seq):
                seq = each["entries"][-1]["seq"]
                yield each
        else:
            stale = True
            yield message


async def _entries(asking: Line, after: int) -> AsyncIterator[Message]:
    """The ledger's entries after a sequence number, page by page."""
    while True:
        page = await asking.ask("entries", after=after, count=READ_PAGE_ROWS)
        found = decoded(page["entries"])
        if not found:
            return
        yield {"event": "entries", "entries": found}
        after = found[-1]["seq"]


def decoded(rows: list[tuple[int, str, str]]) -> list[Message]:
    """A page's entries, as `log --json` shows them."""
    from agentspend.wire.entries import log_row

    return [log_row(body.encode()) for _, _, body in rows]
