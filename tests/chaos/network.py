"""The network between the devices and their server: one link for each device, all of it bad.

A link ends the device's TLS with the server's own certificate, so that the pin of the invite
holds, and speaks TLS to the server again. So it can do to a whole message what a network does: lose
it, lose or cut its answer, deliver it late, twice, or again long after. What it plays again was
really sent, with its signature.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from sync_server import certificate
from tests.chaos.ports import fixed_port
from tests.chaos.weather import CALM, Counted, Fate, Weather

RECORDED = 120
STRAY_S = 6.0
LOST = (ConnectionError, OSError, EOFError, asyncio.IncompleteReadError, TimeoutError)
ANSWER_S = 20.0
PLAYED_AGAIN = "old request played again"
LINE_CUT = "held line cut"
AWAY = "no way to the server"


class Link:
    """One device's way to the server; `up` is False while it is cut off."""

    def __init__(self, name: str, network: "Network", chance: Random) -> None:
        self.name = name
        self.port = fixed_port()
        self.up = True
        self._network = network
        self._chance = chance
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Where the device believes its server to be."""
        return f"https://localhost:{self.port}"

    async def open(self) -> None:
        """Be there."""
        self.up = True
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._network.inward
        )

    async def cut(self) -> None:
        """Nobody gets through any more, and what is under way is lost."""
        self.up = False
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while self.up and await self._one(reader, writer):
                pass
        except LOST:
            self._network.counted.add(AWAY)
        except asyncio.CancelledError:
            pass  # the run is over
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Carry one request; False when its connection is over."""
        asked = await read_message(reader)
        if not asked:
            return False
        if asked.startswith(b"GET /v1/push"):
            await self._line(asked, writer)
            return False
        network = self._network
        fate = network.weather.fate(self._chance)
        network.counted.add(fate)
        network.record(asked)
        match fate:
            case Fate.REQUEST_LOST:
                return False
            case Fate.STRAY:
                network.later(self._chance.uniform(0.2, STRAY_S), asked)
                return False
            case Fate.LATE:
                await asyncio.sleep(self._chance.uniform(0.1, network.weather.late_s))
            case Fate.TWICE:
                await network.carry(asked)
        answer = await network.carry(asked)
        if fate is Fate.ANSWER_LOST or not self.up:
            return False
        if fate is Fate.ANSWER_CUT:
            answer = answer[: self._chance.randrange(1, len(answer))]
        writer.write(answer)
        await writer.drain()
        return fate is not Fate.ANSWER_CUT

    async def _line(self, asked: bytes, writer: asyncio.StreamWriter) -> None:
        """A line that the server holds open, for as long as the weather lets it."""
        network = self._network
        lives_s = self._chance.uniform(0.5, network.weather.line_s) if network.weather.line_s else 0
        async with network.reach() as (far_reader, far_writer):
            far_writer.write(asked)
            try:
                async with asyncio.timeout(lives_s or None):
                    while said := await far_reader.read(4096):
                        writer.write(said)
                        await writer.drain()
            except TimeoutError:
                network.counted.add(LINE_CUT)


class Network:
    """All links. `weather` may be changed at any moment; `counted` is what was done."""

    def __init__(self, folder: Path, port: int, seed: int, counted: Counted) -> None:
        self.inward = certificate.context(folder / "server.crt", folder / "server.key")
        self.weather: Weather = CALM
        self.counted = counted
        self.arrives = asyncio.Event()
        self._outward = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._outward.check_hostname = False
        self._outward.verify_mode = ssl.CERT_NONE
        self._port = port
        self._seed = seed
        self._chance = Random(f"{seed} network")
        self._recorded: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.links: dict[str, Link] = {}

    async def link(self, name: str) -> Link:
        """One more device's way."""
        made = self.links[name] = Link(name, self, Random(f"{self._seed} {name}"))
        await made.open()
        return made

    @asynccontextmanager
    async def reach(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to the server itself."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._outward, server_hostname="localhost"
        )
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def carry(self, asked: bytes) -> bytes:
        """A request to the server, and its whole answer."""
        async with self.reach() as (reader, writer), asyncio.timeout(ANSWER_S):
            writer.write(asked)
            await writer.drain()
            self.arrives.set()
            answer = await read_message(reader)
        if not answer:
            raise ConnectionResetError("the server hung up")
        return answer

    def record(self, asked: bytes) -> None:
        """Keep a request to play it again some day."""
        if len(self._recorded) >= RECORDED:
            self._recorded[self._chance.randrange(RECORDED)] = asked
        else:
            self._recorded.append(asked)

    def later(self, after_s: float, asked: bytes) -> None:
        """Deliver a request when its sender has long given up."""

        async def deliver() -> None:
            await asyncio.sleep(after_s)
            with suppress(*LOST):
                await self.carry(asked)

        self._keep(deliver())

    def play_again(self) -> None:
        """Send one of the recorded requests again, whoever sent it and whenever."""
        if self._recorded:
            self.counted.add(PLAYED_AGAIN)
            self.later(0.0, self._chance.choice(self._recorded))

    async def quiet(self) -> None:
        """Good weather, everybody connected, and nothing of the past still under way."""
        self.weather = CALM
        for link in self.links.values():
            if not link.up:
                await link.open()
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        for link in self.links.values():
            await link.cut()

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """One HTTP message with a body of a known length; b"" when the other end has hung up."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)
