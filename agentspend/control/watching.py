"""Following a running daemon: its watch stream, and questions beside it, without blocking.

For the live screen. Messages are those of `tui.source`: the daemon's own events as they come, and
whatever of the snapshot and the ledger they changed, at most twice a second. A snapshot comes with
the very entries it counts, so that sums made of either are the same at every moment.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from agentspend.control.client import version_at
from agentspend.control.versions import NOT_UNDERSTOOD, in_versions
from agentspend.core.errors import AgentspendError, DaemonUnreachable, Kind
from agentspend.core.limits import MAX_CONTROL_LINE_BYTES, READ_PAGE_ROWS
from agentspend.wire.control import read_answer, write_request

Message = dict[str, Any]
REFRESH_S = 0.5
AT_LEAST_EVERY_S = 15.0
"""A window or the day may end while nothing happens."""
DUE = "due"
BYE: Message = {"bye": True}
"""What a daemon says last, on every line, also where it owes an answer."""


class Line:
    """One open conversation."""

    def __init__(
        self, path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._path = path
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
        return cls(path, reader, writer)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def send(self, op: str, **fields: object) -> None:
        """Ask for something; `DaemonUnreachable` when the daemon hung up."""
        self._writer.write(write_request(op, fields))
        try:
            await self._writer.drain()
        except OSError as error:
            raise DaemonUnreachable("the connection to the daemon broke", "") from error

    async def receive(self) -> Message:
        """The next answer; `DaemonUnreachable` when the daemon hung up, said goodbye or stops."""
        try:
            line = await self._reader.readline()
        except (OSError, ValueError) as error:
            raise DaemonUnreachable("the connection to the daemon broke", "") from error
        try:
            answer = read_answer(line) if line.endswith(b"\n") else BYE
        except AgentspendError as error:
            if error.kind in NOT_UNDERSTOOD:
                running = await asyncio.to_thread(version_at, self._path)
                raise in_versions(error, running) from error
            if error.kind != Kind.STOPPING:
                raise
            answer = BYE
        if answer.get("bye"):
            raise DaemonUnreachable("the daemon stopped", "agentspend daemon start")
        return answer

    async def ask(self, op: str, **fields: object) -> Message:
        """One question, one answer."""
        await self.send(op, **fields)
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
    """The snapshot is asked for when the first event that changes it is half a second old, however
    many more come meanwhile."""
    await watching.send("watch")
    now_s = asyncio.get_running_loop().time
    seq, day_us, due_s, fresh = 0, 0, now_s() + AT_LEAST_EVERY_S, True
    while True:
        message = await _next(news, due_s)
        if message is None:
            raise DaemonUnreachable("the daemon stopped", "agentspend daemon start")
        if message["event"] == DUE:
            fresh, due_s = True, now_s() + AT_LEAST_EVERY_S
            status = await asking.ask("status")
            if status["day_starts_us"] == day_us:
                found = await _entries(asking, seq, status["ledger_seq"])
                seq = status["ledger_seq"]
                yield {"event": "status", "running": True, **status, "entries": found}
                continue
        if message["event"] in ("snapshot", DUE):
            whole = await asking.ask("top")
            day_us = whole["day_starts_us"]
            found = await _entries(asking, whole["day"]["after_seq"], whole["ledger_seq"])
            seq = whole["ledger_seq"]
            yield {"event": "top", "running": True, **whole, "entries": found}
        else:
            if fresh:
                fresh, due_s = False, now_s() + REFRESH_S
            yield message


async def _next(news: "asyncio.Queue[Message | None]", due_s: float) -> Message | None:
    """The next event, or that the snapshot is due."""
    wait_s = due_s - asyncio.get_running_loop().time()
    if wait_s <= 0:
        return {"event": DUE}
    try:
        async with asyncio.timeout(wait_s):
            return await news.get()
    except TimeoutError:
        return {"event": DUE}


async def _entries(asking: Line, after: int, until: int) -> list[Message]:
    """The ledger's entries after one number up to another, which a snapshot counts."""
    found: list[Message] = []
    while after < until:
        page = await asking.ask("entries", after=after, count=READ_PAGE_ROWS)
        rows = [row for row in page["entries"] if row[0] <= until]
        if not rows:
            break
        found += decoded(rows)
        after = rows[-1][0]
    return found


def decoded(rows: list[tuple[int, str, str]]) -> list[Message]:
    """A page's entries, as `log --json` shows them."""
    from agentspend.wire.entries import log_row

    return [log_row(body.encode()) for _, _, body in rows]
