"""How long each piece of a stream is under way, from the provider's write to the client's read."""

import asyncio
import re
import time

import uvloop

from tests.bench.client import request_bytes
from tests.bench.ways import Way

SENT = re.compile(rb"@([0-9]{20})")
"""When the provider wrote a piece, by the clock that the client reads too."""


def delays_us(way: Way, body: bytes, *, streams: int) -> list[float]:
    """The delays of all pieces of so many paced streams that run at once, in µs."""
    return uvloop.run(_delays_us(way, body, streams))


async def _delays_us(way: Way, body: bytes, streams: int) -> list[float]:
    request = request_bytes(way.port, way.path("?paced"), body, way.headers)
    readers = []
    for _ in range(streams):
        _, reader = await asyncio.get_running_loop().create_connection(
            lambda: _Reader(request), "127.0.0.1", way.port
        )
        readers.append(reader)
    await asyncio.gather(*(reader.whole for reader in readers))
    return [delay for reader in readers for delay in reader.delays_us]


class _Reader(asyncio.Protocol):
    """Asks once, and notes the delay of each piece as it comes."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._tail = b""
        self.delays_us: list[float] = []
        self.whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        data = self._tail + data
        read = 0
        for found in SENT.finditer(data):
            self.delays_us.append((now_ns - int(found[1])) / 1e3)
            read = found.end()
        self._tail = data[read:][-64:]
        if self._tail.endswith(b"0\r\n\r\n") and not self.whole.done():
            self.whole.set_result(None)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.whole.done():
            self.whole.set_exception(error or ConnectionError("cut before its end"))
