"""Budgets as the daemon tells them (`status`), in words for people: which apply, what is left."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from agentspend.core.money import dollars, free_dollars
from agentspend.core.phrases import in_text, resets_text
from agentspend.core.scopes import KEYS, Payer, Scope
from agentspend.core.windows import WindowKind

Line = Mapping[str, Any]
# Known only request by request, so a budget for them may apply to any session.
_BY_REQUEST = ("subagent", "provider", "model")
_TERM = re.compile(rf"(?:^| )({'|'.join(KEYS)})=")


def applying(lines: Iterable[Line], payer: Payer) -> list[Line]:
    """The budgets that requests of this payer may count in."""
    return [
        line
        for line in lines
        if line.get("session") in ("", None, payer.session)
        and line.get("team") in ("", None, payer.team)
        and _of_session(line["scope"]).matches(payer)
    ]


def tightest(lines: Iterable[Line]) -> Line | None:
    """The budget that will refuse first: the hard one with the least left.

    One per subagent only where there is no other: it stops none of the rest of a session.
    """
    hard = [line for line in lines if line["mode"] == "hard"]
    whole = [line for line in hard if line["window"] != WindowKind.SUBAGENT]
    return min(whole or hard, key=_nearness, default=None)


def _nearness(line: Line) -> tuple[bool, int]:
    """What a device was granted of a team's cap says little of how much is left."""
    return is_allowance(line), line["free_nusd"]


def is_allowance(line: Line) -> bool:
    """Whether a team's cap is only known by what this device has of it."""
    return not line.get("is_whole", True)


def left_text(line: Line) -> str:
    """`laptop $5.97 of $25.00 free per day`."""
    per = "" if line["window"] == "total" else f" per {line['window']}"
    free = free_dollars(line["free_nusd"])
    if is_allowance(line):
        return f"{line['name']} {free} here of the team's {dollars(line['cap_nusd'])}{per}"
    return f"{line['name']} {free} of {dollars(line['limit_nusd'])} free{per}"


def resets_in(line: Line, now_us: int) -> str:
    """How long until this budget starts anew, "-" when it does not by the calendar."""
    if not line["resets_at"]:
        return "-"
    left_s = datetime.fromisoformat(line["resets_at"]).timestamp() - now_us / 1_000_000
    return in_text(max(0, int(left_s)))


def resets_when(line: Line, now_us: int) -> str:
    """`resets tonight 00:00 (in 9 h)`, or "" when it does not by the calendar."""
    if not line["resets_at"]:
        return ""
    at = datetime.fromisoformat(line["resets_at"])
    assert at.tzinfo is not None
    now = datetime.fromtimestamp(now_us / 1_000_000, at.tzinfo)
    return f"resets {resets_text(int(at.timestamp() * 1_000_000), now, at.tzinfo)}"


def _of_session(scope: str) -> Scope:
    """A scope's text read back, without the terms a session cannot answer."""
    if scope == "everything":
        return Scope()
    found = list(_TERM.finditer(scope))
    ends = [match.start() for match in found[1:]] + [len(scope)]
    terms = {match[1]: scope[match.end() : end] for match, end in zip(found, ends, strict=True)}
    return Scope.of({key: value for key, value in terms.items() if key not in _BY_REQUEST})
