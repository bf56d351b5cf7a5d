"""Clients of every kind, over real sockets: each request is answered once, or cut."""

import asyncio
import gc
import weakref
from contextlib import suppress

import pytest
from multidict import CIMultiDict

from agentspend.http import connection as room
from agentspend.http.answer import Answer, Given
from agentspend.http.incoming import TooLarge
from agentspend.http.reply import Reply, plain
from agentspend.http.request import Request
from tests.http.stage import Served, bodies, post
from tests.proxy.raw import until

LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKED = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
GET = b"GET /g HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_one_after_the_other_in_their_order() -> None:
    """Pipelined, with and without a body: answered in turn, until one says it is the last."""
    async with Served() as served:
        chunked = CHUNKED + b"\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nSum: 1\r\n\r\n"
        said = bodies(await served.ask(post(b"one") + chunked + GET + LAST + GET))

    expected = [b"POST /a b'one'", b"POST /c b'abcde'", b"GET /g b''", b"GET /last b''"]
    assert said == expected


async def test_it_stays_between_requests_and_goes_when_asked() -> None:
    """Kept alive without a word in HTTP/1.1, with one in HTTP/1.0, which closes by itself."""
    async with Served() as served:
        reader, writer = await served.open()
        for _ in range(3):
            writer.write(GET)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"Connection" not in head
            await reader.readexactly(len(b"GET /g b''"))
        writer.close()
        old = await served.ask(b"GET /o HTTP/1.0\r\n\r\n")
        kept = b"GET /o HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        both = await served.ask(kept + LAST)

    assert b"Connection: close" in old
    assert b"Connection: keep-alive" in both
    assert len(bodies(both)) == 2


async def test_spaces_around_a_value_are_not_part_of_it() -> None:
    """RFC 9110 §5.5."""
    heard: list[str] = []

    async def look(request: Request) -> Given:
        heard.append(request.headers["Key"])
        return plain(200, "")

    async with Served(look) as served:
        await served.ask(LAST.replace(b"Host: x", b"Host: x\r\nKey: \t a b \t "))

    assert heard == ["a b"]


async def test_a_head_only_answer_has_the_length_and_no_body() -> None:
    """HEAD."""
    async with Served() as served:
        raw = await served.ask(
            GET.replace(b"GET", b"HEAD").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )

    assert b"Content-Length: 11\r\n" in raw
    assert raw.endswith(b"\r\n\r\n")


async def test_those_in_line_are_bounded() -> None:
    """While one is answered, no more than one read of others is taken in."""
    go_on = asyncio.Event()

    async def slow(_: Request) -> Given:
        await go_on.wait()
        return Reply()

    async with Served(slow) as served:
        _, writer = await served.open(GET * 200_000)
        await until(lambda: any(each._waiting for each in served.server.connections))
        for _ in range(50):
            await asyncio.sleep(0)
        (found,) = served.server.connections
        assert len(found._waiting) <= 2 * 262_144 // len(GET)
        writer.transport.abort()
        go_on.set()


async def test_who_reads_no_answers_gets_no_more() -> None:
    """Replies that nobody reads pile up to a bound, and all arrive in the end."""

    async def big(_: Request) -> Given:
        return Reply(200, {}, b"x" * 10_000)

    async with Served(big) as served:
        reader, writer = await served.open()
        writer.transport.pause_reading()
        writer.write(GET * 2_000 + LAST)
        await until(lambda: any(each.is_slow for each in served.server.connections))
        for _ in range(50):
            await asyncio.sleep(0)
        (found,) = served.server.connections
        assert found._transport.get_write_buffer_size() < 200_000
        writer.transport.resume_reading()
        assert (await reader.read()).count(b"HTTP/1.1 200 OK") == 2_001
        writer.close()


async def test_a_body_over_the_limit_is_answered_while_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """413 arrives although the client goes on; what it sends is taken in, but not for ever."""
    monkeypatch.setattr(room, "LINGER_S", 0.2)

    async def small(request: Request) -> Given:
        try:
            await request.content.read(1_000)
        except TooLarge:
            return plain(413, "too large")
        return Reply()

    async with Served(small) as served:
        reader, writer = await served.open(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n", b"x" * 3_000_000
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        await until(lambda: not served.server.connections)
        writer.close()
        said = bodies(await served.ask(post(b"x" * 2_000_000) + LAST))
        assert said == [b"too large\n", b""]


@pytest.mark.parametrize("rest", [b"GET / HTTP/1.1\r\nHo", post(b"half")[:-2], b""])
async def test_what_never_comes_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, rest: bytes
) -> None:
    """A head, a body, or a first byte: the connection ends, with 408 in the middle of a body."""
    monkeypatch.setattr(room, "IDLE_S", 0.05)
    async with Served() as served:
        raw = await served.ask(rest)

    assert raw.startswith(b"HTTP/1.1 408 ") if b"POST" in rest else raw == b""


async def test_who_asks_first_is_told_to_go_on() -> None:
    """`Expect: 100-continue`, and not in HTTP/1.0."""
    async with Served() as served:
        head, gap, body = post(b"abc", "Expect: 100-continue", "Connection: close").partition(
            b"\r\n\r\n"
        )
        reader, writer = await served.open(head + gap)
        assert await reader.readuntil(gap) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert bodies(await reader.read()) == [b"POST /a b'abc'"]
        writer.close()
        old = await served.ask(head.replace(b"1.1", b"1.0", 1) + gap + body)
        assert bodies(old) == [b"POST /a b'abc'"]


@pytest.mark.parametrize(
    "line",
    [b"GET /g HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n", b"CONNECT a:1 HTTP/1.1\r\n"],
)
async def test_an_upgrade_is_answered_and_is_the_last(line: bytes) -> None:
    """Whatever follows is no HTTP any more."""
    async with Served() as served:
        raw = await served.ask(GET + line + b"Host: x\r\nContent-Length: 3\r\n\r\nabc" + GET)

    assert len(bodies(raw)) == 2
    assert b"Connection: close" in raw


async def test_a_body_that_nobody_read_does_not_stop_the_next_request() -> None:
    """It came whole, more of it than is kept unread, and was answered without a look at it."""
    go_on = asyncio.Event()

    async def blind(request: Request) -> Given:
        if request.method == "POST":
            await go_on.wait()
        return Reply(200, {}, b"ok")

    async with Served(blind) as served:
        reader, writer = await served.open(post(b"x" * 270_000))
        await until(
            lambda: any(
                each._holds or (each._now and each._now.content._whole)
                for each in served.server.connections
            )
        )
        go_on.set()
        await reader.readuntil(b"ok")
        writer.write(LAST)
        assert bodies(await reader.read()) == [b"ok"]
        writer.close()


async def _stream(request: Request, chunks: int, then: BaseException | None = None) -> Given:
    answer = Answer(request, 200, "OK", CIMultiDict())
    answer.begin(at_once=True)
    for _ in range(chunks):
        await answer.pass_on(b"x" * 65_536, last=False)
    if then is not None:
        raise then
    await answer.end()
    return answer


async def test_a_slow_reader_is_waited_for() -> None:
    """What is kept for it is bounded, and all of it arrives."""
    passed: list[int] = []

    async def big(request: Request) -> Given:
        answer = await _stream(request, 200)
        passed.append(1)
        return answer

    async with Served(big) as served:
        reader, writer = await served.open()
        writer.transport.pause_reading()
        writer.write(LAST)
        await until(lambda: any(each.is_slow for each in served.server.connections))
        (found,) = served.server.connections
        assert found._transport.get_write_buffer_size() <= 3 * 65_536
        assert not passed
        writer.transport.resume_reading()
        assert (await reader.read()).count(b"x") == 200 * 65_536
        writer.close()


@pytest.mark.parametrize("phase", ["body", "waiting", "streaming", "slow"])
async def test_a_client_that_leaves_ends_its_handler(phase: str) -> None:
    """Cancelled in each phase; nothing is left of it."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Given:
        began.set()
        try:
            if phase == "body":
                return Reply(200, {}, await request.content.read(1_000))
            if phase == "slow":
                return await _stream(request, 10_000)
            if phase == "streaming":
                await _stream(request, 1, None)
            await asyncio.Event().wait()
            return None
        finally:
            ended.set()

    async with Served(handler) as served:
        _, writer = await served.open(post(b"abc")[:-1] if phase == "body" else GET)
        writer.transport.pause_reading()
        await began.wait()
        if phase == "slow":
            await until(lambda: any(each.is_slow for each in served.server.connections))
        writer.transport.abort()
        await asyncio.wait_for(ended.wait(), 20)
        await until(lambda: not served.server.connections)


async def test_a_handler_that_raises() -> None:
    """500 where nothing was said yet, and the next is served; else the answer is cut."""

    async def fails(request: Request) -> Given:
        if request.path == "/last":
            return Reply(200, {}, b"fine")
        if request.path == "/a":
            return await _stream(request, 1, ValueError("late"))
        raise ValueError("early")

    async with Served(fails) as served:
        said = bodies(await served.ask(GET + LAST))
        assert said == [f"{room.FAILED}\n".encode(), b"fine"]
        reader, writer = await served.open(post(b""))
        got = b""
        with suppress(ConnectionError):
            while chunk := await reader.read(1_000):
                got += chunk
        assert got.count(b"HTTP/1.1") <= 1
        assert b" 500 " not in got
        writer.close()


async def test_nothing_keeps_a_connection_that_is_gone() -> None:
    """It is freed at once, without the collector: parser and connection hold each other."""
    async with Served() as served:
        gc.collect()
        gc.disable()
        try:
            reader, writer = await served.open(GET)
            await reader.readuntil(b"b''")
            found = weakref.ref(next(iter(served.server.connections)))
            writer.close()
            await until(lambda: found() is None, 300)
        finally:
            gc.enable()
