"""A provider's answer, whole or cut, however its bytes are torn."""

import asyncio
import gc
import weakref
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from agentspend.http.response import MAX_HEAD_BYTES, Cut, NotHttp, Talk
from tests.http.stage import Caller, Provider
from tests.proxy.raw import answer_bytes, read_message, until

HEAD = b"HTTP/1.1 200 OK\r\n"


def once(*pieces: bytes) -> Provider:
    """Answers one request with these pieces, then closes."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return Provider(play)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (HEAD + b"\r\nuntil the end", b"until the end"),
        (HEAD + b"\r\n", b""),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\nabc", b"abc"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", b"abc"),
        (b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (HEAD + b"X:\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (HEAD + b"X: a\r\n b\x00\x01\xe9\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    ],
)
async def test_whole(raw: bytes, body: bytes) -> None:
    """What providers send in practice; what has no length ends with the connection."""
    async with once(raw) as provider, Caller(provider.url) as caller:
        assert await caller.ask() == (200, body)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", Cut),
        (b"HTTP/1.1 200 OK\r\nConte", Cut),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Cut),
        (answer_bytes(b"hello")[:-1], Cut),
        (HEAD + b"Content-Length : 5\r\n\r\nhell", Cut),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Cut),
        (HEAD + b"Transfer-Encoding : chunked\r\n\r\n5\r\nhello\r\n", Cut),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", NotHttp),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", NotHttp),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", NotHttp),
        (b"SSH-2.0-OpenSSH\r\n", NotHttp),
        (b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", NotHttp),
        (HEAD + b"A: " + b"x" * MAX_HEAD_BYTES * 3, NotHttp),
        (HEAD + b"A" * MAX_HEAD_BYTES * 3, NotHttp),
        (HEAD + b"A: b\r\n" * MAX_HEAD_BYTES, NotHttp),
        (b"HTTP/1.1 200 " + b"x" * MAX_HEAD_BYTES * 3, NotHttp),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * MAX_HEAD_BYTES, NotHttp),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nT: " + b"x" * MAX_HEAD_BYTES * 3, NotHttp),
    ],
    ids=range(18),
)
async def test_cut_or_no_http(raw: bytes, error: type[Exception]) -> None:
    """No answer of these is taken for whole, and none is gathered without end."""
    async with once(raw) as provider, Caller(provider.url) as caller:
        with pytest.raises(error):
            await caller.ask()


async def test_a_name_with_a_space_behind_it_is_that_name() -> None:
    """The parser goes by it, so it must not go on to the client beside another length; nor are
    spaces behind a value part of it."""
    raw = HEAD + b"Content-Length : 2 \r\n\r\nhi"
    async with once(raw) as provider, Caller(provider.url) as caller:
        answer = await caller.client.send(
            caller.origin, "GET", "/", CIMultiDict(), None, lambda: None
        )
        async with answer:
            assert list(answer.headers.items()) == [("Content-Length", "2")]
            await answer.content.read(10)


async def test_a_slow_reader_slows_the_provider_down() -> None:
    """No more is taken in than is read, and a reader's pause is not the provider's silence."""
    size = 40_000_000
    sent: list[int] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(size // 100_000):
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent.append(100_000)

    async with Provider(play) as provider, Caller(provider.url, silence_s=0.05) as caller:
        answer = await caller.client.send(
            caller.origin, "GET", "/", CIMultiDict(), None, lambda: None
        )
        await until(lambda: answer.content._held)
        for _ in range(5):
            await asyncio.sleep(0.03)
        assert answer.content._unread < 1_000_000
        assert sum(sent) < size
        async with answer:
            assert len(await answer.content.read(size)) == size


async def test_nothing_keeps_a_talk_that_is_over() -> None:
    """It is freed at once, without the collector."""
    seen: list[weakref.ref[Talk]] = []
    async with once(answer_bytes(b"hi")) as provider, Caller(provider.url) as caller:
        gc.collect()
        gc.disable()
        try:
            answer = await caller.client.send(
                caller.origin, "GET", "/", CIMultiDict(), None, lambda: None
            )
            seen.append(weakref.ref(answer._talk))
            async with answer:
                await answer.content.read(10)
            del answer
            await until(lambda: seen[0]() is None, 300)
        finally:
            gc.enable()


RAW = (
    b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 Fine so\r\nX-E:\r\nX-F: a\r\n b\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=f\r\nde\r\n0\r\nT: t\r\n\r\n"
)


class _Lent:
    """A connection that is lent: what the talk does with it in the end."""

    def __init__(self) -> None:
        self.protocol = self.transport = self
        self.ended: list[str] = []

    def close(self) -> None:
        self.ended.append("closed")

    def release(self) -> None:
        self.ended.append("kept")

    def set_protocol(self, _: object) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


async def _heard(pieces: list[bytes]) -> object:
    lent = _Lent()
    talk = Talk(lent, 20)  # type: ignore[arg-type]
    coming = talk.response
    for piece in pieces:
        talk.data_received(piece)
    answer = await coming
    body = await answer.content.read(100)
    return answer.status, answer.reason, list(answer.headers.items()), body, lent.ended


async def test_torn_at_every_byte_it_is_the_same() -> None:
    """In two at any place, and in single bytes."""
    expected = await _heard([RAW])
    assert expected[3:] == (b"abcde", ["kept"])  # type: ignore[index]
    for at in range(len(RAW)):
        assert await _heard([RAW[:at], RAW[at:]]) == expected
    assert await _heard([RAW[at : at + 1] for at in range(len(RAW))]) == expected


@settings(max_examples=100)
@given(st.sets(st.integers(1, len(RAW) - 1)))
def test_torn_anywhere_it_is_the_same(cuts: set[int]) -> None:
    """At any places at once."""
    at = [0, *sorted(cuts), len(RAW)]
    pieces = [RAW[a:b] for a, b in pairwise(at)]
    assert asyncio.run(_heard(pieces)) == asyncio.run(_heard([RAW]))
