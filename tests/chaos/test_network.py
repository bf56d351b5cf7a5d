"""The bad network does what it counts: each fate to one real message over real TLS."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync_server import certificate
from tests.chaos.network import Link, Network, read_message
from tests.chaos.ports import fixed_port
from tests.chaos.weather import Counted, Fate, Weather

ASKED = b"POST /v1/sync HTTP/1.1\r\nContent-Length: 4\r\n\r\nping"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong"


class Far:
    """A server that counts what reaches it, and its link."""

    def __init__(self, link: Link, network: Network) -> None:
        self.link, self.network = link, network
        self.heard: list[bytes] = []

    async def ask(self) -> bytes:
        """One request through the link: the whole answer, or what came of it."""
        loose = ssl.create_default_context()
        loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", self.link.port, ssl=loose)
        writer.write(ASKED)
        try:
            return await reader.readexactly(len(ANSWER))
        except asyncio.IncompleteReadError as cut:
            return cut.partial
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[Far]:
    """A link in good weather, and a far end that closes after each answer."""
    now_us = time.time_ns() // 1_000
    certificate.make("localhost", tmp_path / "server.crt", tmp_path / "server.key", now_us)
    port = fixed_port()
    network = Network(tmp_path, port, 1, Counted())
    made = Far(await network.link("d0"), network)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.heard.append(await read_message(reader))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=network.inward)
    yield made
    await network.close()
    server.close()


@pytest.mark.parametrize(
    ("fate", "heard", "answered"),
    [
        (Fate.REQUEST_LOST, 0, b""),
        (Fate.ANSWER_LOST, 1, b""),
        (Fate.TWICE, 2, ANSWER),
        (Fate.LATE, 1, ANSWER),
        (Fate.PASSED, 1, ANSWER),
    ],
)
async def test_each_fate_is_what_it_says(far: Far, fate: Fate, heard: int, answered: bytes) -> None:
    """So often does the server hear it, and so much comes back."""
    far.network.weather = Weather({fate: 1}, late_s=0.1)
    assert await far.ask() == answered
    assert far.heard == [ASKED] * heard
    assert far.network.counted.times[fate] == 1


async def test_a_cut_answer_is_never_whole(far: Far) -> None:
    """The server has done it, and the device cannot know."""
    far.network.weather = Weather({Fate.ANSWER_CUT: 1})
    assert len(await far.ask()) < len(ANSWER)
    assert far.heard == [ASKED]


async def test_a_stray_request_arrives_when_all_is_quiet_at_the_latest(far: Far) -> None:
    """Its sender has long hung up; so is one that is played again."""
    far.network.weather = Weather({Fate.STRAY: 1})
    assert await far.ask() == b""
    assert far.heard == []
    far.network.play_again()
    await far.network.quiet()
    assert far.heard == [ASKED, ASKED]


async def test_who_is_cut_off_reaches_nobody(far: Far) -> None:
    """Until the link is there again."""
    await far.link.cut()
    with pytest.raises(OSError):
        await far.ask()
    await far.network.quiet()
    assert await far.ask() == ANSWER
