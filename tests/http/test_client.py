"""The way out, over real sockets: whose connection is used again, and what is said on it."""

import asyncio
import base64
import ssl
from pathlib import Path

import pytest
from multidict import CIMultiDict
from yarl import URL

from agentspend.http.client import Client, ConnectTimeout, Origin
from agentspend.http.head import BadHead
from agentspend.http.response import Cut, NotHttp, Silence
from tests.http.stage import Caller, Peer, Provider
from tests.proxy.raw import answer_bytes, head_of, read_message, until
from tests.proxy.tls import Authority

OK = answer_bytes(b"hi")


def each(*answers: bytes) -> tuple[list[bytes], "Provider"]:
    """A provider that keeps its connections and gives each request the next of these answers."""
    asked: list[bytes] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked.append(await read_message(reader))
            writer.write(answers[min(len(asked), len(answers)) - 1])

    return asked, Provider(play)


async def test_a_connection_is_used_again() -> None:
    """One after the other, whatever the shape of the answer, as long as it has an end."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: t\r\n\r\n"
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    empty = b"HTTP/1.1 204 No Content\r\n\r\n"
    same = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
    asked, provider = each(OK, chunked, early + OK, empty, same, OK)
    async with provider, Caller(provider.url) as caller:
        got = [await caller.ask() for _ in range(6)]

    assert got == [(200, b"hi")] * 3 + [(204, b""), (304, b""), (200, b"hi")]
    assert provider.connections == 1
    assert len(asked) == 6


@pytest.mark.parametrize(
    "first",
    [
        answer_bytes(b"hi", "Connection: close"),
        OK.replace(b"1.1", b"1.0"),
        OK + b"H",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen",
        answer_bytes(b"hi", status="204 No Content"),
    ],
    ids=["close", "old", "stray byte", "stray answer", "stray body"],
)
async def test_it_is_not_used_again_where_that_could_mix_answers_up(first: bytes) -> None:
    """The next request gets a connection, and an answer, of its own."""
    _, provider = each(first, OK)
    async with provider, Caller(provider.url) as caller:
        await caller.ask()
        assert await caller.ask() == (200, b"hi")

    assert provider.connections == 2


async def test_stray_bytes_on_an_idle_connection_are_nobodys_answer() -> None:
    """They came while it was not lent: it is closed."""
    stray, came = asyncio.Event(), asyncio.Event()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(OK)
        if provider.connections == 1:
            await stray.wait()
            writer.write(answer_bytes(b"stolen"))
        came.set()
        await reader.read()

    async with Provider(play) as provider, Caller(provider.url) as caller:
        await caller.ask()
        stray.set()
        await came.wait()
        (pooled,) = caller.client._connector._conns.values()
        await until(lambda: pooled[0][0].should_close)
        assert await caller.ask() == (200, b"hi")
        assert provider.connections == 2


async def test_an_answer_before_the_whole_request_was_sent_ends_the_connection() -> None:
    """What is still in the pipe would be taken for the next request."""
    done = asyncio.Event()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer_bytes(b"no", status="413 Too Large"))
        await done.wait()

    async with Provider(play) as provider, Caller(provider.url) as caller:
        assert await caller.ask(b"x" * 20_000_000) == (413, b"no")
        assert not caller.client._connector._conns
        done.set()
        await until(lambda: provider.gone == 1)


@pytest.mark.parametrize("phase", ["before", "middle"])
async def test_silence_and_cancelling_leave_no_connection(phase: str) -> None:
    """Before the answer and in the middle of it."""
    head = b"" if phase == "before" else answer_bytes(b"hello")[:-2]

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_message(reader)
        writer.write(head)
        await reader.read()

    async with Provider(play) as provider:
        async with Caller(provider.url, silence_s=0.05) as caller:
            with pytest.raises(Silence):
                await caller.ask()
        async with Caller(provider.url) as caller:
            task = asyncio.create_task(caller.ask())
            await until(lambda: provider.connections == 2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: provider.gone == 2)


async def test_a_cancelled_request_that_nobody_reads_is_not_sent_on() -> None:
    """Twenty megabytes towards a provider that reads nothing: cut at once."""
    go_on = asyncio.Event()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()
        await go_on.wait()
        writer.transport.resume_reading()
        seen.append(len(await reader.read()))

    seen: list[int] = []
    async with Provider(play) as provider, Caller(provider.url) as caller:
        task = asyncio.create_task(caller.ask(b"x" * 20_000_000))
        await until(lambda: provider.connections == 1 and caller.lent == 1)
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await until(lambda: provider.gone == 1)
        assert not seen or seen[0] < 20_000_000


async def test_what_cannot_be_written_leaves_nothing_behind() -> None:
    """A header with a line break: no byte goes, no error goes untold."""
    asked, provider = each(OK)
    async with provider, Caller(provider.url) as caller:
        for name, value in (("X", "a\r\nY: b"), ("X", "a\nb"), ("X\r\nY", "a")):
            with pytest.raises(BadHead):
                await caller.ask(**{name: value})
        await until(lambda: provider.gone == provider.connections)
    assert asked == []


async def test_who_speaks_first_is_no_provider() -> None:
    """A banner is not the answer, and connecting is not tried for ever."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ESMTP\r\n")
        await reader.read()

    async with Provider(play) as provider, Caller(provider.url) as caller:
        with pytest.raises(NotHttp):
            await caller.ask()
        assert provider.connections == 1


async def test_what_is_said() -> None:
    """Path and query as they came where they can stand so, the user of the base URL, odd bytes."""
    asked, provider = each(OK)
    async with provider:
        url = provider.url.replace("//", "//ana:c%40t@")
        async with Caller(url) as caller:
            await caller.ask(target="/v1/a b/\u00e9%?q=%2F&r=a+b", **{"X-Odd": "caf\udce9 \t|"})
            await caller.ask(Authorization="Bearer own")

    first, second = (head_of(raw) for raw in asked)
    assert first[""] == "POST /v1/a%20b/%C3%A9%25?q=%2F&r=a+b HTTP/1.1"
    assert first["authorization"] == "Basic " + base64.b64encode(b"ana:c@t").decode()
    assert first["x-odd"] == "caf\u00e9 \t|"
    assert "ana" not in first["host"]
    assert second["authorization"] == "Bearer own"


async def test_plain_http_through_a_proxy_with_a_password() -> None:
    """The whole address, and the password for the proxy; also on a connection used again."""
    asked, proxy = each(OK)
    async with proxy:
        way = proxy.url.replace("//", "//bob:secret@")
        async with Caller("http://api.example", proxy=way) as caller:
            for _ in range(2):
                assert await caller.ask(target="/v1?x=y") == (200, b"hi")

    for head in map(head_of, asked):
        assert head[""] == "POST http://api.example/v1?x=y HTTP/1.1"
        assert head["host"] == "api.example"
        assert head["proxy-authorization"] == "Basic " + base64.b64encode(b"bob:secret").decode()
        assert "authorization" not in head
    assert proxy.connections == 1


async def test_a_proxy_that_never_opens_the_tunnel_is_not_waited_for() -> None:
    """Nothing had left."""
    left: list[int] = []

    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with Provider(play) as proxy:
        client = Client(0.2, 20)
        origin = Origin(URL("https://api.example"), URL(proxy.url))
        with pytest.raises(ConnectTimeout):
            await client.send(origin, "POST", "/", CIMultiDict(), b"", lambda: left.append(1))
        await client.close()
    assert left == []


async def test_tls(tmp_path: Path) -> None:
    """Kept and used again; cut in the middle it is no whole answer."""
    authority = Authority(tmp_path)
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    peers: list[Peer] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append((reader, writer))
        for answer in (OK, OK, OK[:-1]):
            await read_message(reader)
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=authority.server_context())
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with Caller(url) as caller:
        caller.origin.tls = trust
        assert [await caller.ask() for _ in range(2)] == [(200, b"hi")] * 2
        with pytest.raises(Cut):
            await caller.ask()
    server.close()
    assert len(peers) == 1
