"""A daemon that ends while a screen follows it is gone, whatever it says last.

`tests/cli/test_top.py` follows a real one; here the moments of a stop that are too short to meet.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agentspend.control.watching import follow
from agentspend.core.errors import AgentspendError, DaemonUnreachable, Kind, StoreError
from agentspend.wire.control import write_answer, write_error

BYE = write_answer({"bye": True})
STOPPING = write_error(StoreError("the daemon is stopping", "again", Kind.STOPPING))
SNAPSHOT = write_answer({"event": "snapshot"})
Answer = Callable[[str], bytes]


@asynccontextmanager
async def daemon(folder: Path, answer: Answer) -> AsyncIterator[Path]:
    """One that says this much to each question, and then hangs up; b"" leaves the line open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            said = answer(json.loads(line)["op"])
            writer.write(said)
            if said != SNAPSHOT:
                break
        writer.close()

    server = await asyncio.start_unix_server(serve, str(folder / "s"))
    try:
        yield folder / "s"
    finally:
        server.close()


async def followed(path: Path) -> list[str]:
    """The events a screen hears; raises what ends them."""
    async with asyncio.timeout(30):
        return [message["event"] async for message in follow(path)]


@pytest.mark.parametrize(
    "last", [BYE, STOPPING, b'{"v":1,"day_st', b""], ids=["bye", "stopping", "half a line", "none"]
)
@pytest.mark.parametrize("op", ["watch", "top"])
async def test_what_a_daemon_says_last_is_no_answer(tmp_path: Path, op: str, last: bytes) -> None:
    """On either line: its goodbye, that its ledger is closed, or a line that it died in."""
    async with daemon(tmp_path, lambda asked: last if asked == op else SNAPSHOT) as path:
        with pytest.raises(DaemonUnreachable, match="the daemon stopped"):
            await followed(path)


async def test_one_that_hangs_up_on_whoever_calls(tmp_path: Path) -> None:
    """Its socket still takes calls when it ends."""
    async with daemon(tmp_path, lambda _: b"") as path:
        with pytest.raises(DaemonUnreachable):
            await followed(path)


async def test_what_it_refuses_is_no_goodbye(tmp_path: Path) -> None:
    """Its own words end the screen."""
    no = write_error(AgentspendError("no", "ask a person"))
    async with daemon(tmp_path, lambda asked: no if asked == "top" else SNAPSHOT) as path:
        with pytest.raises(AgentspendError, match=r"^no$") as raised:
            await followed(path)
    assert not isinstance(raised.value, DaemonUnreachable)
