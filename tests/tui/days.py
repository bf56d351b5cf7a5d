"""Days to look at: the recorded one at several moments, and states made from it."""

import json
from collections.abc import Callable
from typing import Any

from tui.replay import DEMO, TEAM, Replay, in_team, read

S = 1_000_000
CENT = 10_000_000
Message = dict[str, Any]
RECORDED: list[Message] = [dict(message) for message in read(DEMO)]
NAME = "ana-laptop"


def calm() -> Replay:
    """The recorded day at its end: agents at work, money left."""
    return Replay(RECORDED, name=NAME)


def _last_status(**changes: Any) -> Message:
    found = next(each for each in reversed(RECORDED) if each["event"] == "status")
    return {**found, "at_us": RECORDED[-1]["at_us"], **changes}


def _with(name: str, **amounts: int) -> list[Message]:
    """The budgets of the last status, one of them changed."""
    return [
        {**line, **amounts} if line["name"] == name else line for line in _last_status()["budgets"]
    ]


def _spent(name: str) -> int:
    """What is spent of a budget at the end of the day."""
    return int(next(each["spent_nusd"] for each in _with(name) if each["name"] == name))


def warning() -> Replay:
    """Of a smaller budget little is left, and a request of claude's holds a part of that."""
    spent, held, limit = _spent("laptop"), 610_000_000, 21_700_000_000
    budgets = _with("laptop", limit_nusd=limit, held_nusd=held, free_nusd=limit - spent - held)
    sessions = [
        {**each, "held_nusd": held if each["id"] == "s_claude" else 0}
        for each in _last_status()["sessions"]
    ]
    note = {"event": "warning", "budget": "laptop", "percent": 90, "spent_nusd": spent,
            "limit_nusd": limit, "at_us": RECORDED[-1]["at_us"]}  # fmt: skip
    return Replay([*RECORDED, note, _last_status(budgets=budgets, sessions=sessions)], name=NAME)


def spent() -> Replay:
    """The laptop's budget is spent, and claude was refused."""
    budgets = _with("laptop", limit_nusd=_spent("laptop"), held_nusd=0, free_nusd=0)
    refuse = {
        "event": "refuse", "rid": "r_refused", "ts_us": RECORDED[-1]["at_us"],
        "payer": {"agent": "claude", "session": "s_claude", "project": "acme/api",
                  "model": "claude-opus-5-5"},
        "budget": "laptop", "reason": "never_fits", "at_us": RECORDED[-1]["at_us"],
    }  # fmt: skip
    return Replay([*RECORDED, refuse, _last_status(budgets=budgets)], name=NAME)


def offline() -> Replay:
    """In a team whose server cannot be reached: budgets are enforced here all the same."""
    team = {
        "failed": "no answer",
        "queued": 212,
        "heard_us": RECORDED[-1]["at_us"] - 7_200 * S,
        "pools": [],
    }
    return Replay([*RECORDED, _last_status(team=team)], name=NAME)


def empty() -> Replay:
    """A first start: nothing was asked yet, and no budget is set."""
    first = {**RECORDED[0], "budgets": [], "sessions": [], "today_nusd": 0}
    return Replay([first], name=NAME)


def gone() -> Replay:
    """The daemon was stopped while people looked."""
    last = {"event": "gone", "why": "the daemon stopped", "at_us": RECORDED[-1]["at_us"]}
    return Replay([*RECORDED, last], name=NAME)


def overview(role: str = "lead") -> dict[str, Any]:
    """How the team stands: two caps, who spends there, and two who ask for more."""
    found: dict[str, Any] = team_words(role)["overview"]
    return found


def team_words(role: str = "lead", **changes: Any) -> dict[str, Any]:
    """The team as the daemon tells it: this device's own allowance, and the overview."""
    found: dict[str, Any] = json.loads(TEAM.read_text("utf-8"))
    del found["budgets"]
    found["overview"]["role"] = role
    return {**found, "role": role, **changes}


def team() -> Replay:
    """In a team, as its lead: the caps, who spends there, and who asks for more."""
    return Replay(in_team([*RECORDED, _last_status()]), name=NAME)


def teams() -> Replay:
    """A member of two teams: one session is for data, the others are for the home team."""
    return Replay([*RECORDED, _last_status(sessions=in_two_teams())], name=NAME)


def in_two_teams() -> list[Message]:
    """The sessions of a member of two teams."""
    return [
        {**each, "team": "data" if each["id"] == "s_codex" else "backend"}
        for each in _last_status()["sessions"]
    ]


STATES: dict[str, Callable[[], Replay]] = {
    "calm": calm, "warning": warning, "spent": spent, "offline": offline, "empty": empty,
    "daemon-gone": gone, "team": team, "teams": teams,
}  # fmt: skip
