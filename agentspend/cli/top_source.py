"""What `agentspend top` shows: the running daemon, or the ledger's file while none runs.

Changes go the way the commands go, so that they are checked, refused and recorded alike.
"""

import asyncio
import platform
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from agentspend.cli import access
from agentspend.cli.moments import now_us
from agentspend.control.watching import decoded, follow
from agentspend.core.errors import AgentspendError, DaemonUnreachable
from tui.source import NotDone

T = TypeVar("T")
KNOCK_AGAIN_S = 1.0
ALL = 10**9


class Live:
    """The daemon's own stream; while there is none, the file once, and a knock every second."""

    def __init__(self) -> None:
        self.name = platform.node().partition(".")[0]

    def now_us(self) -> int:
        """This machine's clock."""
        return now_us()

    async def watch(self) -> AsyncIterator[dict[str, Any]]:
        """Messages as `tui.source` has them. That a daemon is gone is said once."""
        shown, gone = False, False
        while True:
            heard, why = False, ""
            try:
                async for message in follow(access.folders().socket):
                    heard, shown, gone = True, True, False
                    yield message
            except DaemonUnreachable as error:
                why = error.message
            if not shown:
                shown = True
                for message in await asyncio.to_thread(_from_file):
                    yield message
            if not gone:
                gone = True
                yield {"event": "gone", "why": why}
            if not heard:
                await asyncio.sleep(KNOCK_AGAIN_S)

    async def why(self, rid: str) -> Sequence[tuple[str, str]]:
        """A request's story, in the words of `agentspend why`."""
        from agentspend.cli.why import steps_of

        def told() -> Sequence[tuple[str, str]]:
            with access.reading() as (ask, _):
                return steps_of(ask("why", rid=rid))

        return await _in_words(told)

    async def do(self, action: str, **fields: Any) -> str:
        """Carry out one of `tui.deed`'s deeds, as its command would."""
        return await _in_words(lambda: _DEEDS[action](**fields))


def _from_file() -> list[dict[str, Any]]:
    """What the ledger says, without a daemon."""
    try:
        with access.reading(must_exist=False) as (ask, running):
            whole = ask("top")
            rows = ask("entries", after=whole["day"]["after_seq"], count=ALL)["entries"]
    except AgentspendError as error:
        return [{"event": "gone", "why": error.message}]
    return [{"event": "top", "running": running, **whole, "entries": decoded(rows)}]


async def _in_words(work: Callable[[], T]) -> T:
    """Run what may block; its errors become what the screen says."""
    try:
        return await asyncio.to_thread(work)
    except AgentspendError as error:
        raise NotDone(f"{error.message}; {error.hint}" if error.hint else error.message) from error


def _limit(name: str, limit: str) -> str:
    """Give a budget another limit."""
    from dataclasses import replace

    from agentspend.core.money import dollars, parse_usd

    budget = next((each for each in access.config().budgets if each.name == name), None)
    if budget is None:
        raise AgentspendError(
            f"budget {name} does not stand in your configuration",
            "agentspend budget list    says where it comes from",
        )
    changed = replace(budget, limit_nusd=parse_usd(limit))
    access.change_budget(name, changed)
    return f"{name} is {dollars(changed.limit_nusd)} per {budget.window.text()} now"


def _pause(session: str) -> str:
    """Refuse a session's requests, "" for everybody's."""
    access.ask("session.pause", session=session)
    return f"session {session} is paused" if session else "everybody is paused"


def _resume(session: str) -> str:
    """Let it go on, "" for everybody."""
    access.ask("session.resume", session=session)
    return f"session {session} goes on" if session else "everybody goes on"


def _models(session: str, allow: str) -> str:
    """Allow a session only these models, "" for every one again."""
    access.ask("session.models", session=session, allow=allow.split())
    return f"session {session} may use {allow or 'every model again'}"


def _request(amount: str, reason: str, pool: str = "", team: str = "") -> str:
    """Ask the team's leads for a raise."""
    from agentspend.core.money import parse_usd

    found = access.ask(
        "team.request", amount_nusd=parse_usd(amount), reason=reason, pool=pool,
        payer={"team": team} if team else {},
    )  # fmt: skip
    return f"request {found.get('id', '')} for more of {found.get('pool', '')} is open"


def _approve(request: str, amount: str) -> str:
    """Give somebody more, as a lead."""
    from agentspend.core.money import dollars, parse_usd

    found = access.ask(
        "team.decide", request=request, verdict="approve", amount_nusd=parse_usd(amount)
    )
    short = f", and less than that is left in {', '.join(s)}" if (s := found["also_short"]) else ""
    return f"{found['pool']} is {dollars(found['cap_nusd'])} in this window{short}"


def _deny(request: str) -> str:
    """Answer no, as a lead."""
    access.ask("team.decide", request=request, verdict="refuse")
    return f"{request} is refused"


def _reopen(request: str) -> str:
    """Take an answer back."""
    access.ask("team.decide", request=request, verdict="reopen")
    return f"{request} is open again"


_DEEDS: dict[str, Callable[..., str]] = {
    "limit": _limit, "pause": _pause, "resume": _resume, "models": _models, "request": _request,
    "approve": _approve, "deny": _deny, "reopen": _reopen,
}  # fmt: skip
