"""The door for devices: sealed messages in, sealed answers out, and lines held open for pushes."""

import asyncio
import secrets
from typing import Any

import msgspec
from aiohttp import web

from agentspend.core.allowance.accounts import Place
from agentspend.core.allowance.messages import Lacking
from agentspend.wire.canonical import NotCanonical
from agentspend.wire.team import Sealed
from sync_server.acts.act import EVERYONE
from sync_server.allowance.sizing import asked_back
from sync_server.doors.answers import HALL, TooFast, answer, refused
from sync_server.doors.hall import Hall
from sync_server.doors.links import body_of, whence
from sync_server.enrolment import Names, NotInvited
from sync_server.quotas import TooMuch
from sync_server.roles import Role
from sync_server.store.people import LEADS

PING_S = 20
MOST_BYTES, SMALL_BYTES = 1 << 20, 1 << 14
"""Of a report, and of any other message."""


class Posted(msgspec.Struct):
    """A sealed message as it travels: canonical JSON text, and the signature in hex."""

    body: str
    signature: str


class Sender(msgspec.Struct):
    """Who a message says it is from."""

    device: str = ""


class Needing(msgspec.Struct):
    """What a report's sender needs in a pool, beside what it holds there."""

    pool: str
    need_nusd: int = 0
    held_nusd: int = 0


class Asking(msgspec.Struct):
    """Which policy a report's sender has, what it needs, and how far the server was that it heard
    last."""

    policy: int = -1
    server_seq: int = 0
    wants: list[Needing] = []


class Account(msgspec.Struct):
    """An account in an answer, and what is missing there."""

    pool: str
    window: int
    lacking: Lacking


class Answered(msgspec.Struct):
    """What the door looks at in an answer."""

    policy: int
    server_seq: int
    accounts: list[Account]


class Looker(msgspec.Struct):
    """As whom an overview was given."""

    role: str


_LOOKER = msgspec.json.Decoder(Looker)
_POSTED = msgspec.json.Decoder(Posted)
_SENDER = msgspec.json.Decoder(Sender)
_ASKING = msgspec.json.Decoder(Asking)
_ANSWERED = msgspec.json.Decoder(Answered)


def routes() -> list[web.RouteDef]:
    """Where devices knock."""
    return [
        web.post("/v1/enrol", enrol),
        web.post("/v1/sync", sync),
        web.post("/v1/hello", hello),
        web.post("/v1/request", request_raise),
        web.post("/v1/look", look),
        web.post("/v1/decide", decide),
        web.post("/v1/add_device", add_device),
        web.post("/v1/draw_reserve", draw_reserve),
        web.get("/v1/push", push),
    ]


async def enrol(request: web.Request) -> web.Response:
    """Let a device in that holds an invite."""
    hall, address = request.app[HALL], _address(request)
    _in_time(hall, "address", address)
    if wait_s := hall.pace.invite_wait_s(address):
        raise TooFast(wait_s)
    sealed = await _sealed(request)
    now_us = hall.now_us()
    names = Names(f"d_{secrets.token_hex(8)}", f"i_{secrets.token_hex(8)}")
    try:
        found = await hall.work(lambda: hall.service.enrol(sealed, names, now_us))
    except NotInvited:
        if hall.pace.wrong_invite(address):
            words: dict[str, object] = {"who": "the server", "what": "enrol.locked"}
            words["last_address"] = address
            await hall.work(lambda: hall.service.decide([], words, now_us))
            await hall.tell(frozenset({LEADS}))
        raise
    device = _SENDER.decode(found.body).device
    policy = await hall.work(lambda: hall.service.policy(device))
    return answer(
        {
            "sealed": _posted(found),
            "policy": _posted(policy) if policy else None,
            "ticket": hall.lines.ticket(device, now_us),
        }
    )


async def sync(request: web.Request) -> web.Response:
    """Take a report in."""
    hall, sealed, device = await _opened(request, most=MOST_BYTES)
    now_us = hall.now_us()
    asking = _ASKING.decode(sealed.body)

    def work() -> tuple[Sealed, Sealed | None, set[str], int]:
        found = hall.service.sync(device, sealed, now_us)
        said = _ANSWERED.decode(found.body)
        policy = None
        if said.policy != asking.policy:
            policy = hall.service.policy(device, asking.policy)
        return found, policy, _holders(hall, device, asking, said), said.server_seq

    try:
        found, policy, holders, our_seq = await hall.work(work)
    except TooMuch:
        await _tell_leads(hall, "flood", "intake.full", device)
        raise
    if our_seq < asking.server_seq:
        facts = {"heard_seq": asking.server_seq, "our_seq": our_seq}
        await _tell_leads(hall, "behind", "server.behind", device, **facts)
    if holders:
        await hall.ring(holders)
    return answer(
        {
            "sealed": _posted(found),
            "policy": _posted(policy) if policy else None,
            "ticket": hall.lines.ticket(device, now_us),
        }
    )


async def _tell_leads(hall: Hall, kind: str, what: str, device: str, **facts: int) -> None:
    """Once a day, of a device that fills the disk, or that knows of decisions which this server
    does not: it was put back to an earlier state, and grants what it granted once more."""
    if hall.pace.wait_s(kind, device):
        return
    words = {"who": "the server", "what": what, "device": device, **facts}
    now_us = hall.now_us()
    await hall.work(lambda: hall.service.decide([], words, now_us))
    await hall.tell(frozenset({LEADS}))


def _holders(hall: Hall, device: str, asking: Asking, said: Answered) -> set[str]:
    """Who is asked to give back what this one lacks: of those who listen, nobody too often."""
    needs_nusd = {want.pool: want.need_nusd + want.held_nusd for want in asking.wants}
    found: set[str] = set()
    for each in said.accounts:
        if each.lacking is Lacking.COMING:
            here_nusd, lies = hall.service.holders(device, Place(each.pool, each.window))
            listening = (
                (name, nusd)
                for name, nusd in lies
                if hall.hears(name) and hall.pace.wait_s("recall", name) == 0
            )
            found.update(asked_back(listening, needs_nusd.get(each.pool, 0) - here_nusd))
    return found


async def hello(request: web.Request) -> web.Response:
    """Begin a new ledger for a device whose old one is in doubt."""
    hall, sealed, device = await _opened(request, "hello")
    now_us, inc = hall.now_us(), f"i_{secrets.token_hex(8)}"
    found = await hall.work(lambda: hall.service.hello(device, sealed, inc, now_us))
    return answer({"sealed": _posted(found)})


async def request_raise(request: web.Request) -> web.Response:
    """Note that a developer asks for more, and tell the leads.

    Once: a daemon asks again every few seconds, and each word to a lead's daemon costs it a report.
    Whoever begins to serve does not know who was told, and tells them once more.
    """
    hall, sealed, device = await _opened(request, "person")
    now_us = hall.now_us()
    found = await hall.work(lambda: hall.service.request(device, sealed, now_us))
    await hall.tell_of(str(found["id"]), is_open=found["status"] == "open")
    return answer(found)


async def look(request: web.Request) -> web.Response:
    """How the team stands. While a lead looks, devices report once a minute what they spent."""
    hall, sealed, device = await _opened(request, "look")
    now_us = hall.now_us()
    found = await hall.work(lambda: hall.service.overview(device, sealed, now_us))
    if _LOOKER.decode(found.body).role == Role.LEAD and not hall.pace.wait_s("bell", ""):
        await hall.tell(EVERYONE)
    return answer({"sealed": _posted(found)})


async def decide(request: web.Request) -> web.Response:
    """A lead answers a question from a device."""
    hall, sealed, device = await _opened(request, "person")
    now_us = hall.now_us()
    done = await hall.work(lambda: hall.service.verdict(device, sealed, now_us))
    await hall.tell(done.concerns)
    return answer(done.answer)


async def add_device(request: web.Request) -> web.Response:
    """A member lets another machine of theirs in."""
    hall, sealed, device = await _opened(request, "person")
    now_us = hall.now_us()
    return answer(
        await hall.work(lambda: hall.service.add_device(device, sealed, hall.address, now_us))
    )


async def draw_reserve(request: web.Request) -> web.Response:
    """A developer draws an emergency reserve; the leads hear of it at once."""
    hall, sealed, device = await _opened(request)
    now_us = hall.now_us()
    done = await hall.work(lambda: hall.service.draw_reserve(device, sealed, now_us))
    await hall.tell(done.concerns)
    return answer(done.answer)


async def push(request: web.Request) -> web.StreamResponse:
    """Hold a line open, and say when there is something to hear."""
    hall = request.app[HALL]
    _in_time(hall, "address", _address(request))
    device = hall.lines.device_of(request.query.get("ticket", ""), hall.now_us())
    if device is None:
        return refused(403, "this ticket is none, or too old", "sync first: it brings a new one")
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    bell = hall.lines.open(device)
    try:
        await response.prepare(request)
        await _send(hall, response, "ping")
        while hall.lines.is_open(device, bell):
            try:
                await asyncio.wait_for(bell.wait(), PING_S)
            except TimeoutError:
                await _send(hall, response, "ping")
                continue
            bell.clear()
            if hall.lines.is_open(device, bell):
                await _send(hall, response, "sync")
    except ConnectionError:
        pass
    finally:
        hall.lines.hang_up(device, bell)
    return response


async def _send(hall: Hall, response: web.StreamResponse, event: str) -> None:
    hall.counts.add("pushes", event)
    await response.write(msgspec.json.encode({"event": event}) + b"\n")


async def _opened(
    request: web.Request, kind: str = "device", most: int = SMALL_BYTES
) -> tuple[Hall, Sealed, str]:
    """A message of an enrolled device, by its own word: the service checks the signature.

    The pace is kept for each device at each address, so that nobody uses up another's; and what
    people ask apart from what brings allowance, so that looking on costs nobody their money.
    """
    hall, address = request.app[HALL], _address(request)
    _in_time(hall, "address", address)
    sealed = await _sealed(request, most)
    device = _SENDER.decode(sealed.body).device
    _in_time(hall, kind, f"{address} {device}")
    return hall, sealed, device


async def _sealed(request: web.Request, most: int = SMALL_BYTES) -> Sealed:
    """A message as it was posted. Only a report is long: reading what nobody has signed yet, as an
    enrolment is, must cost little."""
    raw = await body_of(request)
    if len(raw) > most:
        raise web.HTTPRequestEntityTooLarge(most, len(raw))
    posted = _POSTED.decode(raw)
    try:
        signature = bytes.fromhex(posted.signature)
    except ValueError as error:
        raise NotCanonical("the signature is not hex") from error
    return Sealed(posted.body.encode(), signature)


def _posted(sealed: Sealed) -> dict[str, Any]:
    return {"body": sealed.body.decode(), "signature": sealed.signature.hex()}


def _in_time(hall: Hall, kind: str, name: str) -> None:
    if wait_s := hall.pace.wait_s(kind, name):
        raise TooFast(wait_s)


def _address(request: web.Request) -> str:
    return whence(request.remote or "")
