"""A server under test with clients by hand, and a client under test with a provider by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self

from multidict import CIMultiDict
from yarl import URL

from agentspend.http.answer import Given
from agentspend.http.client import Client, Origin
from agentspend.http.reply import Reply
from agentspend.http.request import Request
from agentspend.http.server import Server
from tests.proxy.raw import until

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]
MAX_HEAD = 16 * 1024


async def echo(request: Request) -> Given:
    """What came, in one line."""
    try:
        body = await request.content.read(1_000_000)
    except ConnectionError:
        return None
    return Reply(200, {}, f"{request.method} {request.target} {body!r}".encode())


class Served:
    """A server with one handler; when it ends, no task, connection or untold error is left."""

    def __init__(self, handle: Callable[[Request], Coroutine[Any, Any, Given]] = echo) -> None:
        self.server = Server(handle, self._spawn, MAX_HEAD)
        self.tasks: set[asyncio.Task[Any]] = set()
        self.untold: list[str] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self.port = await self.server.listen("127.0.0.1", 0)
        told = asyncio.get_running_loop().set_exception_handler
        told(lambda _, context: self.untold.append(str(context)))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()
        await until(lambda: not self.server.connections and not self.tasks)
        assert self.untold == []

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def open(self, *pieces: bytes) -> Peer:
        """A client that has sent these bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.writelines(pieces)
        return reader, writer

    async def ask(self, *pieces: bytes) -> bytes:
        """Everything the server says to these bytes until it closes."""
        reader, writer = await self.open(*pieces)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()


class Provider:
    """Plays one part on each connection; `gone` are those it is done with."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self.connections = 0
        self.gone = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._play(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.gone += 1
            writer.close()


class Caller:
    """A client under test; when it ends, no connection is lent and no error untold."""

    def __init__(self, url: str, silence_s: float = 20, proxy: str = "") -> None:
        self.origin = Origin(URL(url, encoded=True), URL(proxy) if proxy else None)
        self._silence_s = silence_s
        self.untold: list[str] = []

    async def __aenter__(self) -> Self:
        self.client = Client(10, self._silence_s)
        told = asyncio.get_running_loop().set_exception_handler
        told(lambda _, context: self.untold.append(str(context)))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.lent == 0
        await self.client.close()
        assert self.untold == []

    @property
    def lent(self) -> int:
        """How many connections are in use."""
        return len(self.client._connector._acquired)

    async def ask(
        self, body: bytes | None = b"{}", target: str = "/v1", **headers: str
    ) -> tuple[int, bytes]:
        """One request and its whole answer."""
        named = CIMultiDict(headers)
        async with await self.client.send(
            self.origin, "POST", target, named, body, lambda: None
        ) as answer:
            return answer.status, await answer.content.read(100_000_000)


def post(body: bytes, *headers: str, path: str = "/a") -> bytes:
    """A request with a length."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def bodies(raw: bytes) -> list[bytes]:
    """The bodies of answers with a length, one after the other; nothing may be left over."""
    found = []
    while raw:
        head, gap, raw = raw.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), head
        assert gap
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        found.append(raw[:size])
        raw = raw[size:]
    return found
