"""Whatever comes of a request on the control socket, its caller gets an answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentspend.core.errors import AgentspendError, Kind
from agentspend.core.limits import MAX_CONTROL_LINE_BYTES
from agentspend.daemon.control_api import Caller, ControlApi
from agentspend.wire.control import write_request

SECRET = "sk-planted-secret"
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _answers(caller: Caller, message: dict[str, Any]) -> None:
    await caller.send({"said": message.get("said", "")})


def _fails(error: BaseException) -> Any:
    async def operation(caller: Caller, _: dict[str, Any]) -> None:
        raise error

    return operation


@asynccontextmanager
async def _connected(path: Path, error: BaseException) -> AsyncIterator[Line]:
    api = ControlApi(path / "s", {"fine": _answers, "bad": _fails(error)})
    await api.start()
    reader, writer = await asyncio.open_unix_connection(str(path / "s"))
    try:
        yield reader, writer
    finally:
        writer.close()
        await api.stop()


async def _ask(line: Line, op: str, **fields: Any) -> dict[str, Any]:
    line[1].write(write_request(op, fields))
    found: dict[str, Any] = json.loads(await line[0].readline())
    return found


@pytest.mark.parametrize(
    "error",
    [
        AssertionError(SECRET),
        RuntimeError(SECRET),
        OSError(28, SECRET),
        IndexError(SECRET),
        ConnectionResetError(SECRET),
        TimeoutError(SECRET),
    ],
)
async def test_a_mistake_of_ours_is_answered_and_the_daemon_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    """It hung up: the command said that no daemon is there. What the mistake says may be a key."""
    async with _connected(tmp_path, error) as line:
        told = (await _ask(line, "bad"))["error"]
        assert told["kind"] == Kind.MISTAKE
        assert type(error).__name__ in told["message"]
        assert "agentspend daemon logs" in told["hint"]
        assert (await _ask(line, "fine", said="still here"))["said"] == "still here"
    logged = capsys.readouterr().err
    assert json.loads(logged.splitlines()[0])["event"] == "control_request_failed"
    assert "control_api.py" in logged
    assert "in operation" in logged
    assert SECRET not in logged + json.dumps(told)


async def test_a_caller_that_hung_up_is_no_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Screens end so every day; the next caller is served."""
    gone = asyncio.Event()

    async def talks_on(caller: Caller, _: dict[str, Any]) -> None:
        try:
            while True:
                await caller.send({"more": "x" * 10_000})
        except ConnectionError:
            gone.set()
            raise

    api = ControlApi(tmp_path / "s", {"watch": talks_on, "fine": _answers})
    await api.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
    writer.write(write_request("watch", {}))
    await reader.readline()
    writer.transport.abort()
    async with asyncio.timeout(30):
        await gone.wait()
    other = await asyncio.open_unix_connection(str(tmp_path / "s"))
    assert (await _ask(other, "fine", said="you"))["said"] == "you"
    other[1].close()
    await api.stop()
    assert capsys.readouterr().err == ""


async def test_a_request_without_end_is_told_so(tmp_path: Path) -> None:
    """It hung up, which reads as a daemon that died."""
    async with _connected(tmp_path, RuntimeError()) as line:
        line[1].write(b"x" * (MAX_CONTROL_LINE_BYTES + 10))
        told = json.loads(await line[0].readline())["error"]
        assert told["kind"] == Kind.UNREADABLE
        assert await line[0].read() == b""


async def test_an_error_about_bytes_that_are_no_text_arrives(tmp_path: Path) -> None:
    """A file name may hold them; Python has them as lone surrogates."""
    async with _connected(tmp_path, AgentspendError("no such folder: \udcff")) as line:
        told = (await _ask(line, "bad"))["error"]
        assert told["message"] == "no such folder: \udcff"
