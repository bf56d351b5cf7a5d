"""The listener: its addresses, and what is under way when it closes."""

import asyncio

import pytest
from multidict import CIMultiDict

from agentspend.http.answer import Answer, Given
from agentspend.http.reply import Reply
from agentspend.http.request import Request
from tests.http.stage import Served

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_it_closes_with_answers_under_way() -> None:
    """Idle, asking, waiting, streaming and slow clients: all are cut, their handlers cancelled."""
    began: list[str] = []
    cancelled: list[str] = []

    async def handler(request: Request) -> Given:
        began.append(request.path)
        try:
            if request.path == "/ok":
                return Reply()
            if request.path == "/body":
                await request.content.read(10)
            if request.path == "/stream":
                answer = Answer(request, 200, "OK", CIMultiDict())
                answer.begin(at_once=True)
                while True:
                    await answer.pass_on(b"x" * 65_536, last=False)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(request.path)
            raise
        return None

    async with Served(handler) as served:
        peers = [await served.open(), await served.open(b"GET / HT")]
        for path in ("ok", "body", "wait", "stream"):
            head = GET.replace(b"GET / ", b"POST /%b " % path.encode())
            peers.append(
                await served.open(head.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\nab"))
            )
        peers[-1][1].transport.pause_reading()
        while len(began) < 4 or not any(each.is_slow for each in served.server.connections):
            await asyncio.sleep(0.001)
        await served.server.close()
        assert sorted(cancelled) == ["/body", "/stream", "/wait"]
        for _, writer in peers:
            writer.transport.abort()


async def test_one_more_address() -> None:
    """At the same port; one that cannot be had is an `OSError`."""
    async with Served() as served:
        with pytest.raises(OSError):
            await served.server.listen("192.0.2.1", served.port)
        assert (await served.ask(GET.replace(b"x\r\n", b"x\r\nConnection: close\r\n"))).endswith(
            b"GET / b''"
        )
