"""Company networks in small: a CONNECT proxy, and TLS in front of a plain server."""

import asyncio
import ssl
from contextlib import suppress
from typing import Self

from agentspend.sandbox.server import Sandbox
from tests.proxy.raw import head_of


class ConnectProxy:
    """A CONNECT proxy that knows where each name leads: `targets` are what it was asked for."""

    def __init__(self, routes: dict[str, int], credentials: str = "") -> None:
        self._routes = routes
        self._credentials = credentials
        self.targets: list[str] = []
        self.heads: list[dict[str, str]] = []
        self.url = ""
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = head_of(await reader.readuntil(b"\r\n\r\n"))
            method, target, _ = head[""].split(" ")
            self.heads.append(head)
            self.targets.append(target)
            if self._credentials and head.get("proxy-authorization") != self._credentials:
                writer.write(b"HTTP/1.1 407 Authentication Required\r\nContent-Length: 0\r\n\r\n")
            elif method != "CONNECT" or target not in self._routes:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await pipe(reader, writer, self._routes[target])
        writer.close()


class TlsFront:
    """TLS in front of a sandbox."""

    def __init__(self, context: ssl.SSLContext, sandbox: Sandbox, host: str = "127.0.0.1") -> None:
        self._context = context
        self.sandbox = sandbox
        self._host = host
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await pipe(reader, writer, self.sandbox.port)
        writer.close()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Pass bytes both ways until one side ends."""
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    ways = [
        asyncio.create_task(_copy(reader, far_writer)),
        asyncio.create_task(_copy(far_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        far_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
