"""A real server in a folder, over real TLS, and devices that know the wire and the rules only."""

import atexit
import base64
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self

import aiohttp
import msgspec

from agentspend.core.allowance.messages import (
    AddDevice,
    Answer,
    Certificate,
    Decide,
    DrawReserve,
    Enrol,
    Hello,
    Look,
    Overview,
    RaiseRequest,
    Sync,
    Verdict,
    Want,
    Welcome,
)
from agentspend.wire import signing
from agentspend.wire.canonical import parse
from agentspend.wire.team import Message, Sealed, seal, unseal
from sync_server.app import Server
from sync_server.doors.hall import Hall
from sync_server.folder import Folder, Settings
from sync_server.founding import create
from sync_server.open_folder import address_of, opened
from tests.sync_server.made import Chain

CENT = 10_000_000
DOLLAR = 100 * CENT


class House:
    """One server with its lead's token. `base` is its address on this machine."""

    def __init__(self, folder: Folder, hall: Hall, base: str, token: str, now: list[int]) -> None:
        self.folder = folder
        self.hall = hall
        self.base = base
        self.token = token
        self.now = now
        digest = base64.b32decode(hall.address.pin + "====")
        self.tls = aiohttp.Fingerprint(digest)
        self.session = aiohttp.ClientSession()
        self.public = signing.public_key(hall.service.private_key)

    async def ask(self, act: str, token: str | None = None, **fields: object) -> dict[str, Any]:
        """A lead's act; must succeed."""
        status, found = await self.try_to(act, token, **fields)
        assert status == 200, found
        return found

    async def try_to(
        self, act: str, token: str | None = None, **fields: object
    ) -> tuple[int, dict[str, Any]]:
        """An act, and what came of it."""
        return await self.post(f"/v1/admin/{act}", fields, token or self.token)

    async def post(self, path: str, body: object, token: str = "") -> tuple[int, dict[str, Any]]:
        """Any body to any route."""
        headers = {"Authorization": f"Bearer {token.partition('.')[0]}"} if token else {}
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        async with self.session.post(
            self.base + path, data=raw, ssl=self.tls, headers=headers
        ) as answer:
            return answer.status, msgspec.json.decode(await answer.read())

    async def get(self, path: str, token: str = "") -> tuple[int, str]:
        """Any route."""
        headers = {"Authorization": f"Bearer {token.partition('.')[0]}"} if token else {}
        async with self.session.get(self.base + path, ssl=self.tls, headers=headers) as answer:
            return answer.status, await answer.text()

    async def joined(self, member: str = "anna", team: str = "backend") -> "Device":
        """A member of a team with a device that has joined."""
        await self.try_to("team.create", team=team)
        made = await self.ask("member.add", member=member, team=team)
        return await Device.join(self, made["invite"]["join"])


class Reached(Protocol):
    """A server as its devices reach it; `public` is the key it signs with."""

    base: str
    tls: aiohttp.Fingerprint
    session: aiohttp.ClientSession
    public: bytes

    async def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        """Any body to any route."""
        ...


class Device:
    """A machine with a key, a ledger, and nothing else of ours."""

    def __init__(self, house: Reached, key: bytes) -> None:
        self.house = house
        self.key = key
        self.policy: dict[str, Any] = {"version": -1}
        self.ticket = ""

    @classmethod
    async def join(cls, house: Reached, line: str) -> Self:
        """Type what the invite says."""
        words = line.split()
        assert words[:3] == ["agentspend", "team", "join"]
        device = cls(house, secrets.token_bytes(32))
        status, found = await device.enrol(words[4].partition(".")[0])
        assert status == 200, found
        device.heard(found)
        sealed = _sealed(found["sealed"])
        device.certificate = unseal(Certificate, sealed, house_key(house))
        device.chain = Chain(device.certificate.inc)
        return device

    certificate: Certificate
    chain: Chain

    async def enrol(self, code: str, nonce: str = "") -> tuple[int, dict[str, Any]]:
        """Ask to be let in."""
        public = signing.public_key(self.key).hex()
        asked = Enrol(code, "thinkpad", nonce or secrets.token_hex(8), public)
        return await self.house.post("/v1/enrol", self.posted(asked))

    def posted(self, message: Message) -> dict[str, str]:
        """A message as it travels."""
        sealed = seal(message, lambda domain, body: signing.sign(self.key, domain, body))
        return {"body": sealed.body.decode(), "signature": sealed.signature.hex()}

    def report(self, *wants: Want, **words: object) -> Sync:
        """A report of the whole ledger."""
        fields: dict[str, object] = {
            "team": self.certificate.team, "device": self.certificate.device,
            "nonce": secrets.token_hex(8), "policy": self.policy["version"], "server_seq": 0,
        }  # fmt: skip
        return self.chain.sync(*wants, **{**fields, **words})

    async def sync(self, *wants: Want, **words: object) -> Answer:
        """Report and ask; the answer is checked against the server's key."""
        posted = self.posted(self.report(*wants, **words))
        status, found = await self.house.post("/v1/sync", posted)
        assert status == 200, found
        self.heard(found)
        return unseal(Answer, _sealed(found["sealed"]), house_key(self.house))

    async def hello(self, nonce: str = "n_9") -> Welcome:
        """Ask for a new ledger, and begin it."""
        asked = Hello(self.certificate.team, self.certificate.device, self.chain.inc, nonce,
                      "restored", "")  # fmt: skip
        status, found = await self.house.post("/v1/hello", self.posted(asked))
        assert status == 200, found
        welcome = unseal(Welcome, _sealed(found["sealed"]), house_key(self.house))
        self.chain = Chain(welcome.inc)
        return welcome

    async def request(
        self, amount_nusd: int, pool: str = "", nonce: str = "n_1"
    ) -> tuple[int, dict[str, Any]]:
        """Ask for a raise."""
        asked = RaiseRequest(self.certificate.team, self.certificate.device, nonce, pool,
                             amount_nusd, "a large migration")  # fmt: skip
        return await self.house.post("/v1/request", self.posted(asked))

    async def look(self) -> Overview:
        """How the team stands; the answer is checked against the server's key."""
        status, found = await self.try_to_look()
        assert status == 200, found
        return unseal(Overview, _sealed(found["sealed"]), house_key(self.house))

    async def try_to_look(self) -> tuple[int, dict[str, Any]]:
        """The same, and what came of it."""
        asked = Look(self.certificate.team, self.certificate.device, secrets.token_hex(8))
        return await self.house.post("/v1/look", self.posted(asked))

    async def decide(
        self, request: str, verdict: Verdict, amount_nusd: int = 0
    ) -> tuple[int, dict[str, Any]]:
        """Answer a question for more, as a lead."""
        own = self.certificate
        nonce = secrets.token_hex(8)
        said = Decide(own.team, own.device, request, verdict, amount_nusd, nonce, self.house.now[0])
        return await self.house.post("/v1/decide", self.posted(said))

    async def draw_reserve(self, pool: str, reason: str) -> tuple[int, dict[str, Any]]:
        """Draw an emergency reserve."""
        own = self.certificate
        asked = DrawReserve(own.team, own.device, secrets.token_hex(8), pool, reason)
        return await self.house.post("/v1/draw_reserve", self.posted(asked))

    async def add_device(self, nonce: str = "n_1") -> tuple[int, dict[str, Any]]:
        """Let another machine of this member's in."""
        own = self.certificate
        asked = AddDevice(own.team, own.device, nonce)
        return await self.house.post("/v1/add_device", self.posted(asked))

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["aiohttp.StreamReader"]:
        """The line on which the server says when to sync; its first ping has been read."""
        async with self.house.session.get(
            f"{self.house.base}/v1/push", params={"ticket": self.ticket}, ssl=self.house.tls
        ) as line:
            assert line.status == 200
            assert await said(line.content) == "ping"
            yield line.content

    def heard(self, found: dict[str, Any]) -> None:
        """Keep the policy and the ticket."""
        self.ticket = found["ticket"]
        if found["policy"]:
            sealed = _sealed(found["policy"])
            assert house_key(self.house)("policy", sealed.body, sealed.signature)
            self.policy = parse(sealed.body)


async def said(stream: aiohttp.StreamReader) -> str:
    """The next event of a line."""
    return str(msgspec.json.decode(await stream.readline())["event"])


def house_key(house: Reached) -> Any:
    """Whether the server signed this."""
    public = house.public
    return lambda domain, body, signature: signing.verify(public, domain, body, signature)


def _sealed(found: dict[str, str]) -> Sealed:
    return Sealed(found["body"].encode(), bytes.fromhex(found["signature"]))


@cache
def _ready() -> tuple[Path, str]:
    """A folder that has just been set up, made once and copied: migrations take their time."""
    folder = Path(tempfile.mkdtemp(prefix="agentspend-")) / "server"
    atexit.register(shutil.rmtree, folder.parent)
    settings = Settings("Acme", "https://localhost:0", "127.0.0.1", 0, "")
    made, token = create(folder, settings, "Europe/Berlin", time.time_ns() // 1_000)
    return made.path, token


@asynccontextmanager
async def house_in(path: Path, database: str = "") -> AsyncIterator[House]:
    """A server that has just been set up, and serves."""
    now = [time.time_ns() // 1_000]
    settings = Settings("Acme", "https://localhost:0", "127.0.0.1", 0, database)
    if database:
        folder, token = create(path / "server", settings, "Europe/Berlin", now[0])
    else:
        ready, token = _ready()
        folder = Folder(Path(shutil.copytree(ready, path / "server")))
    async with served(folder, token, now) as house:
        yield house


@asynccontextmanager
async def served(folder: Folder, token: str, now: list[int]) -> AsyncIterator[House]:
    """A server over a folder that is there."""
    with opened(folder) as service:
        hall = Hall(
            service, address_of(folder), now_us=lambda: now[0], monotonic_s=lambda: now[0] / 1e6
        )
        server = Server(folder, hall)
        await server.start()
        house = House(folder, hall, f"https://127.0.0.1:{server.port}", token, now)
        try:
            yield house
        finally:
            await house.session.close()
            await server.stop()
            hall.close()
