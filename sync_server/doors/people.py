"""The door for people: one route for each act, by token; or none needed on the folder's socket."""

import getpass
from typing import Any

import msgspec
from aiohttp import web

from sync_server.acts.act import Caller, NotFound
from sync_server.acts.table import ACTS
from sync_server.doors.answers import HALL, NoToken, TooFast, answer
from sync_server.doors.links import body_of, whence
from sync_server.doors.metrics import pools_text
from sync_server.doors.openapi import document
from sync_server.roles import Role

OWNER: web.AppKey[bool] = web.AppKey("owner", bool)
"""True on the socket in the folder: whoever can open it owns the server."""


def routes() -> list[web.RouteDef]:
    """Where people knock."""
    return [
        web.post("/v1/admin/{act}", admin),
        web.get("/healthz", healthz),
        web.get("/metrics", metrics),
        web.get("/openapi.json", openapi),
    ]


async def admin(request: web.Request) -> web.Response:
    """Do one act."""
    caller = await _caller(request)
    name = request.match_info["act"]
    if name not in ACTS:
        raise NotFound(f"there is no act {name!r}", f"there are: {', '.join(ACTS)}")
    raw = await body_of(request)
    fields: Any = msgspec.json.decode(raw) if raw else {}
    return answer({"v": 1, **await request.app[HALL].act(name, fields, caller)})


async def healthz(request: web.Request) -> web.Response:
    """Whether the database can decide."""
    hall = request.app[HALL]
    await hall.work(hall.service.policy_number)
    return answer({"ok": True})


async def metrics(request: web.Request) -> web.Response:
    """Figures for Prometheus, which sends a viewer's token."""
    caller = await _caller(request)
    hall = request.app[HALL]
    caps = await hall.act("cap.list", {}, caller)
    text = hall.counts.text() + pools_text(caps["caps"], hall.lines.held)
    return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4"})


async def openapi(_request: web.Request) -> web.Response:
    """What all of this takes and answers."""
    return answer(document())


async def _caller(request: web.Request) -> Caller:
    hall = request.app[HALL]
    if request.app.get(OWNER):
        return Caller(getpass.getuser(), Role.LEAD)
    address = whence(request.remote or "")
    if wait_s := hall.pace.wait_s("token", address, 0):
        raise TooFast(wait_s)
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    found = await hall.caller(token.strip()) if kind.lower() == "bearer" else None
    if found is None:
        hall.pace.wait_s("token", address)
        raise NoToken
    if not found.role.may(Role.LEAD) and (wait_s := hall.pace.wait_s("reader", found.name)):
        raise TooFast(wait_s)
    return found
