"""The local API: JSON lines on a Unix socket (0600), for the owner's own processes only.

Each operation is one method of a class in `daemon/*operations.py`; this file owns the socket, the
peer check, the framing and the errors.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentspend.core.errors import AgentspendError, Kind
from agentspend.core.limits import MAX_CONTROL_LINE_BYTES
from agentspend.daemon.log import log_mistake
from agentspend.daemon.peer import Peer, peer_of
from agentspend.wire.control import read_request, write_answer, write_error

Message = dict[str, Any]


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
        await self._write(write_answer(message))

    async def refuse(self, error: AgentspendError) -> None:
        """Answer with an error."""
        await self._write(write_error(error))

    @property
    def is_gone(self) -> bool:
        """Whether nobody is there any more who could be answered."""
        return self._writer.is_closing()

    async def next_line(self) -> bytes:
        """The caller's next line; empty when it hung up. Raises `AgentspendError` for one that is
        too long: what follows cannot be told from it."""
        try:
            return await self._reader.readline()
        except ValueError as error:
            most = f"{MAX_CONTROL_LINE_BYTES:,} bytes"
            raise AgentspendError(
                f"a request is longer than {most}", "say less at once", Kind.UNREADABLE
            ) from error

    async def _write(self, line: bytes) -> None:
        self._writer.write(line)
        await self._writer.drain()


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
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _converse(self, caller: Caller) -> None:
        """Answer line after line until the caller hangs up."""
        try:
            while line := await caller.next_line():
                await self._answer(caller, line)
        except AgentspendError as error:
            await caller.refuse(error)

    async def _answer(self, caller: Caller, line: bytes) -> None:
        """Answer one line, whatever comes of it: a mistake of ours is an answer too, and the daemon
        goes on. Raises `ConnectionError` when the caller has hung up."""
        try:
            op, message = read_request(line)
            if op not in self._operations:
                known = ", ".join(sorted(self._operations))
                raise AgentspendError(f"unknown operation {op!r}", known, Kind.UNKNOWN_OPERATION)
            await self._operations[op](caller, message)
        except AgentspendError as error:
            await caller.refuse(error)
        except (KeyError, TypeError, ValueError) as error:
            log_mistake("bad_control_request", error)
            hint = "is another version of agentspend installed? `agentspend daemon stop`"
            told = f"the daemon cannot read this request: {error!r}"
            await caller.refuse(AgentspendError(told, hint, Kind.UNREADABLE))
        except Exception as error:
            if caller.is_gone:
                raise ConnectionError from error
            log_mistake("control_request_failed", error)
            told = f"a mistake of ours, in the daemon: {type(error).__name__}"
            hint = "agentspend daemon logs    says where; nothing else is amiss, and it goes on"
            await caller.refuse(AgentspendError(told, hint, Kind.MISTAKE))
