"""The local API: JSON lines on a Unix socket (0600), for the owner's own processes only.

Each operation is one method of `daemon.operations.Operations`; this file owns the socket, the
peer check, the framing and the errors.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from agentspend.core.errors import AgentspendError
from agentspend.core.limits import MAX_CONTROL_LINE_BYTES
from agentspend.daemon.log import log
from agentspend.daemon.peer import Peer, peer_of

Message = dict[str, Any]
Answer = Callable[[Message], Coroutine[Any, Any, None]]


class Caller:
    """One connection: who it is, and how to answer it."""

    def __init__(
        self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.peer = peer
        self._reader = reader
        self._writer = writer

    async def send(self, message: Message) -> None:
        """Send one line; waits while the caller is slow."""
        self._writer.write(msgspec.json.encode({"v": 1, **message}) + b"\n")
        await self._writer.drain()

    async def next_line(self) -> bytes:
        """The caller's next line; empty when it hung up."""
        return await self._reader.readline()


GOODBYE_WITHIN_S = 1.0

Operation = Callable[[Caller, Message], Coroutine[Any, Any, None]]


class ControlApi:
    """Listens on the control socket and hands each request to its operation."""

    def __init__(self, path: Path, operations: dict[str, Operation]) -> None:
        self._path = path
        self._operations = operations
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._callers: set[Caller] = set()

    async def start(self) -> None:
        """Bind the socket; the daemon's lock is held, so an old socket file is a leftover."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(
            self._serve, str(self._path), limit=MAX_CONTROL_LINE_BYTES
        )
        os.chmod(self._path, 0o600)

    async def stop(self) -> None:
        """Say goodbye, hang up on everyone and remove the socket.

        The goodbye tells a `run` that this stop was meant, so that it starts no new daemon.
        """
        if self._server is not None:
            self._server.close()
        for caller in self._callers:
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(GOODBYE_WITHIN_S):
                    await caller.send({"bye": True})
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            peer = peer_of(writer.get_extra_info("socket").fileno())
            if peer.is_owner():
                caller = Caller(peer, reader, writer)
                self._callers.add(caller)
                try:
                    await self._converse(caller)
                finally:
                    self._callers.discard(caller)
        except (ConnectionError, asyncio.CancelledError, ValueError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _converse(self, caller: Caller) -> None:
        """Answer line after line until the caller hangs up."""
        while line := await caller.next_line():
            try:
                message = msgspec.json.decode(line, type=dict)
                operation = self._operations.get(str(message.get("op")))
                if operation is None:
                    known = ", ".join(sorted(self._operations))
                    raise AgentspendError(f"unknown operation {message.get('op')!r}", known)
                await operation(caller, message)
            except AgentspendError as error:
                await caller.send({"error": {"message": error.message, "hint": error.hint}})
            except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
                log("bad_control_request", error=type(error).__name__)
                hint = "is another version of agentspend installed? `agentspend daemon stop`"
                bad = {"message": f"the daemon cannot read this request: {error}", "hint": hint}
                with suppress(ConnectionError):
                    await caller.send({"error": bad})
