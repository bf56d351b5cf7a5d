"""What is no request, or no end of one: said so once, and never taken for another."""

import pytest

from agentspend.http.answer import Given
from agentspend.http.reply import Reply
from agentspend.http.request import Request
from tests.http.stage import MAX_HEAD, Served, bodies, post

CHUNKED = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
GET = b"GET /g HTTP/1.1\r\nHost: x\r\n\r\n"
BROKEN = [
    b"GET\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /a b HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\n\n",
    b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
    b"GET / HTTP/1.1\r\n A: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\x01c\r\n\r\n",
    post(b"abc", "Content-Length: 3"),
    post(b"abc", "Content-Length: 4"),
    post(b"abc", "Transfer-Encoding: chunked"),
    CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n",
    CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    CHUNKED.replace(b"chunked", b"chunked, identity") + b"\r\n0\r\n\r\n",
    CHUNKED.replace(b"chunked", b"xchunked") + b"\r\n0\r\n\r\n",
    CHUNKED + b"\r\n0x3\r\nabc\r\n0\r\n\r\n",
    CHUNKED + b"\r\n-3\r\nabc\r\n0\r\n\r\n",
    CHUNKED + b"\r\n3 \r\nabc\r\n0\r\n\r\n",
    CHUNKED + b"\r\n3\nabc\r\n0\r\n\r\n",
    CHUNKED + b"\r\n3\r\nabcd\r\n0\r\n\r\n",
    CHUNKED + b"\r\nfffffffffffffffff\r\n",
]


@pytest.mark.parametrize("raw", BROKEN, ids=range(len(BROKEN)))
async def test_no_broken_or_smuggled_request_gets_through(raw: bytes) -> None:
    """One 400, and nothing that follows is taken for a request, also behind a good one."""
    async with Served() as served:
        alone = await served.ask(raw + GET)
        behind = bodies(await served.ask(GET + raw + GET))

    assert alone.startswith(b"HTTP/1.1 400 ")
    assert len(bodies(alone)) == 1
    assert behind[0] == b"GET /g b''"
    assert b"GET /g" not in b"".join(behind[1:])


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * MAX_HEAD,
        b"GET / HTTP/1.1\r\nA: " + b"x" * 5_000_000,
        b"GET / HTTP/1.1\r\n" + b"A" * 5_000_000,
        b"\r\n" * 3_000_000,
    ],
    ids=["target", "many", "endless value", "endless name", "nothing"],
)
async def test_a_head_without_end_is_not_gathered(head: bytes) -> None:
    """431 arrives, although the client is still sending."""
    async with Served() as served:
        assert (await served.ask(head)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "rest", [b"\r\nT: " + b"x" * 5_000_000, b";" + b"x" * 5_000_000], ids=["trailer", "chunk"]
)
async def test_nor_is_a_trailer_or_a_chunk_without_end(rest: bytes) -> None:
    """Both are refused in the middle of a body."""
    async with Served() as served:
        assert (await served.ask(CHUNKED + b"\r\n1\r\na\r\n0" + rest)).startswith(b"HTTP/1.1 431 ")


async def test_what_breaks_after_its_answer_is_not_answered_twice() -> None:
    """An early answer, then a body that is no HTTP: the connection ends."""

    async def early(_: Request) -> Given:
        return Reply(200, {}, b"early")

    async with Served(early) as served:
        reader, writer = await served.open(CHUNKED + b"\r\n3\r\nabc\r\n")
        await reader.readuntil(b"early")
        writer.write(b"no chunk\r\n" + GET)
        assert await reader.read() == b""
        writer.close()
