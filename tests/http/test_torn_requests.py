"""Requests whose bytes come torn: each is the same as in one piece."""

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.http.answer import Given
from agentspend.http.connection import Connection
from agentspend.http.reply import Reply
from agentspend.http.request import Request
from agentspend.http.server import Server
from tests.http.stage import MAX_HEAD, post

LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKED = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
WHOLE = (
    post(b"hello", "X-Empty:", "X-Odd: \u00e9", path="/p%20q?x=%2F")
    + CHUNKED
    + b"X-E:\r\nX-F: f\r\n\r\n3\r\nabc\r\n2;e=f\r\nde\r\n0\r\nT: t\r\n\r\n"
    + LAST
)


class Nowhere(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self._over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self._over = True

    def is_closing(self) -> bool:
        return self._over

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def _fed(pieces: list[bytes]) -> tuple[list[object], bytes]:
    seen: list[object] = []

    async def note(request: Request) -> Given:
        body = await request.content.read(1_000)
        seen.append((request.method, request.target, list(request.headers.items()), body))
        return Reply(200, {}, b"%d" % len(seen))

    loop = asyncio.get_running_loop()
    server = Server(note, lambda work, _: loop.create_task(work), MAX_HEAD)
    found, transport = Connection(server), Nowhere()
    found.connection_made(transport)
    for piece in pieces:
        found.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    found.connection_lost(None)
    lines = [line for line in transport.written.split(b"\r\n") if not line.startswith(b"Date")]
    return seen, b"\r\n".join(lines)


async def test_torn_at_every_byte_it_is_the_same() -> None:
    """In two at any place, and in single bytes."""
    expected = await _fed([WHOLE])
    assert len(expected[0]) == 3
    for at in range(len(WHOLE)):
        assert await _fed([WHOLE[:at], WHOLE[at:]]) == expected
    assert await _fed([WHOLE[at : at + 1] for at in range(len(WHOLE))]) == expected


@settings(max_examples=100)
@given(st.sets(st.integers(1, len(WHOLE) - 1)))
def test_torn_anywhere_it_is_the_same(cuts: set[int]) -> None:
    """At any places at once."""
    at = [0, *sorted(cuts), len(WHOLE)]
    pieces = [WHOLE[a:b] for a, b in pairwise(at)]
    assert asyncio.run(_fed(pieces)) == asyncio.run(_fed([WHOLE]))
