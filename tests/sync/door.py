"""A team server's door to test the device's side with: the real service behind plain HTTP."""

import asyncio
import itertools
import json
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from agentspend.wire import signing
from agentspend.wire.canonical import canonical
from agentspend.wire.team import Sealed
from sync_server.allowance.journal import Opened
from sync_server.allowance.sizing import Sizing
from sync_server.enrolment import Names
from sync_server.senders import UnknownDevice
from tests.sync_server.office import SERVER_KEY, Office

USD = 10**9
SECRET = bytes(range(16))
LARGE = Sizing(float_nusd=2 * USD, least_burn_nusd=USD, most_nusd=50 * USD, grain_nusd=1)
POOL = {"id": "org", "name": "acme", "level": "org", "scope": {}, "window": "month",
        "cap_nusd": 10 * USD}  # fmt: skip


class Door:
    """`down` answers nothing; `asked` counts the reports. A line that listens opens with a ping;
    `lines` has, for each one that comes, the status it is to get;
    `asked_before` counts the reports until one was opened. `cut` breaks the lines that are."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(folder)
        object.__setattr__(self.office.service, "sizing", LARGE)
        self.office.service.decide(self.office.pool("org", 10 * USD), {"who": "lead"}, _now_us())
        self.policy: dict[str, Any] = {
            "v": 1, "type": "policy", "version": 0, "team": "t_1", "pools": [POOL], "models": [],
            "rates": [], "frozen": False,
        }  # fmt: skip
        self.down = False
        self.asked = 0
        self.lines: list[int] = []
        self.asked_before: int | None = None
        self.talked = asyncio.Event()
        self.cut = asyncio.Event()
        self._count = itertools.count(2)
        app = web.Application()
        app.router.add_post("/v1/enrol", self._enrol)
        app.router.add_post("/v1/sync", self._sync)
        app.router.add_post("/v1/hello", self._hello)
        app.router.add_get("/v1/push", self._push)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.server.make_url("")).rstrip("/")

    async def _enrol(self, request: web.Request) -> web.Response:
        number = next(self._count)
        names = Names(f"d_{number}", f"i_{number}")
        sealed = self.office.service.enrol(await _read(request), names, _now_us())
        return self._answer(sealed)

    async def _sync(self, request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=503)
        self.asked += 1
        self.talked.set()
        sealed = await _read(request)
        try:
            answer = self.office.service.sync(_device(sealed), sealed, _now_us())
        except UnknownDevice as error:
            return web.json_response({"error": {"message": error.message}}, status=403)
        return self._answer(answer, int(_said(sealed)["policy"]))

    async def _hello(self, request: web.Request) -> web.Response:
        sealed = await _read(request)
        inc = f"i_{next(self._count)}"
        try:
            return self._answer(self.office.service.hello(_device(sealed), sealed, inc, _now_us()))
        except UnknownDevice as error:
            return web.json_response({"error": {"message": error.message}}, status=403)

    async def _push(self, request: web.Request) -> web.StreamResponse:
        status = self.lines.pop(0) if self.lines else 200
        if status != 200:
            return web.Response(status=status)
        self.asked_before = self.asked
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"event":"ping"}\n')
        await self.cut.wait()
        return response

    def raise_cap(self, cap_nusd: int) -> None:
        """A lead raises the cap. Nobody is told: whoever asks hears it."""
        state = self.office.state("org")
        line = Opened("org", cap_nusd, state.window, state.ends_us)
        self.office.service.decide([line], {"who": "lead"}, _now_us())

    def _answer(self, sealed: Sealed, policy: int = -1) -> web.Response:
        """With the policy in force, for those who have another."""
        said: dict[str, Any] = {"sealed": _shown(sealed), "ticket": "x"}
        if policy != self.policy["version"]:
            body = canonical(self.policy)
            said["policy"] = _shown(Sealed(body, signing.sign(SERVER_KEY, "policy", body)))
        return web.json_response(said)


def _shown(sealed: Sealed) -> dict[str, str]:
    return {"body": sealed.body.decode(), "signature": sealed.signature.hex()}


async def _read(request: web.Request) -> Sealed:
    found = await request.json()
    return Sealed(found["body"].encode(), bytes.fromhex(found["signature"]))


def _device(sealed: Sealed) -> str:
    return str(_said(sealed)["device"])


def _said(sealed: Sealed) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sealed.body)
    return found


def _now_us() -> int:
    return time.time_ns() // 1_000
