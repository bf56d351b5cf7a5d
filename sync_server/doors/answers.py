"""Every error in one shape, and only what its reader may know."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy.exc import DataError

from agentspend.core.errors import AgentspendError
from agentspend.wire.canonical import NotCanonical
from agentspend.wire.team import NotSigned
from sync_server.acts.act import BadFields, NotAllowed, NotFound
from sync_server.doors.hall import Hall
from sync_server.enrolment import NotInvited
from sync_server.journal_file import JournalBroken
from sync_server.quotas import TooMuch
from sync_server.senders import UnknownDevice

HALL: web.AppKey[Hall] = web.AppKey("hall", Hall)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOT_YOURS = "this server does not know this device, or the message is not signed by it"


class TooFast(AgentspendError):
    """Somebody knocks too often."""

    def __init__(self, wait_s: int) -> None:
        super().__init__("too many requests", f"try again in {wait_s} s")
        self.wait_s = wait_s


class NoToken(AgentspendError):
    """The request names nobody."""

    def __init__(self) -> None:
        super().__init__(
            "this takes a token, and the one given is unknown or ended",
            "ask a lead: agentspend-server token create NAME --role viewer",
        )


def answer(value: Mapping[str, Any]) -> web.Response:
    """A JSON answer."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def refused(status: int, message: str, hint: str = "", **headers: str) -> web.Response:
    """An error's answer."""
    body = msgspec.json.encode({"error": {"message": message, "hint": hint}})
    return web.Response(
        status=status,
        body=body,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what was raised into an answer. What nobody foresaw is a 500 and says nothing."""
    hall = request.app[HALL]
    try:
        found = await handler(request)
    except web.HTTPException as error:
        found = refused(error.status, error.reason, **_allowed(error))
    except AgentspendError as error:
        found = _said(error)
    except NotSigned:
        found = refused(403, NOT_YOURS)
    except DataError:
        found = refused(400, "this holds a value that no database keeps", "see /openapi.json")
    except (NotCanonical, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = refused(400, f"this cannot be read: {error}", "see /openapi.json")
    resource = request.match_info.route.resource
    hall.counts.add("requests", resource.canonical if resource else "other", str(found.status))
    return found


def _said(error: AgentspendError) -> web.Response:
    match error:
        case TooFast() | TooMuch():
            return refused(429, error.message, error.hint, retry_after=str(error.wait_s))
        case UnknownDevice():
            return refused(403, NOT_YOURS)
        case NotInvited() | NotFound():
            return refused(404, error.message, error.hint)
        case NoToken():
            return refused(401, error.message, error.hint, www_authenticate="Bearer")
        case NotAllowed():
            return refused(403, error.message, error.hint)
        case BadFields():
            return refused(400, error.message, error.hint)
        case JournalBroken():
            return refused(503, error.message, error.hint)
    return refused(409, error.message, error.hint)


def _allowed(error: web.HTTPException) -> dict[str, str]:
    return {"allow": error.headers["Allow"]} if "Allow" in error.headers else {}
