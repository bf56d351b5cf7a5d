"""The listener: addresses, and the connections that came by them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from agentspend.http.answer import Given
from agentspend.http.connection import Connection
from agentspend.http.request import Request

BACKLOG = 512
Handle = Callable[[Request], Coroutine[Any, Any, Given]]
Spawn = Callable[[Coroutine[Any, Any, Any], str], "asyncio.Task[Any]"]


class Server:
    """Hands each request to `handle`; one that fails is answered with a 500.

    `handle` returns a reply, or the answer it has passed on itself, or None where the client is
    gone. `spawn` keeps its task, and tells of what it raised. A head larger than `max_head_bytes`
    is not read further.
    """

    def __init__(self, handle: Handle, spawn: Spawn, max_head_bytes: int) -> None:
        self.handle = handle
        self.spawn = spawn
        self.max_head_bytes = max_head_bytes
        self.connections: set[Connection] = set()
        self._listening: list[asyncio.Server] = []

    async def listen(self, address: str, port: int) -> int:
        """Answer at one more address; returns the port. `OSError` when it cannot be had."""
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), address, port, reuse_address=True, backlog=BACKLOG
        )
        self._listening.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more, and end what is left."""
        for server in self._listening:
            server.close()
        ending = [task for each in list(self.connections) if (task := each.shut())]
        await asyncio.gather(*ending, return_exceptions=True)
