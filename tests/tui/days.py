"""Days to look at: the recorded one at several moments, and states made from it."""

from collections.abc import Callable
from typing import Any

from tui.replay import DEMO, Replay, read

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


def warning() -> Replay:
    """The laptop's budget is nearly spent, and a request holds a part of the rest."""
    budgets = _with("laptop", spent_nusd=23_900_000_000, held_nusd=610_000_000,
                    free_nusd=490_000_000)  # fmt: skip
    note = {"event": "warning", "budget": "laptop", "percent": 90, "spent_nusd": 23_900_000_000,
            "limit_nusd": 25_000_000_000, "at_us": RECORDED[-1]["at_us"]}  # fmt: skip
    return Replay([*RECORDED, note, _last_status(budgets=budgets)], name=NAME)


def spent() -> Replay:
    """The laptop's budget is spent, and claude was refused."""
    budgets = _with("laptop", spent_nusd=25_000_000_000, held_nusd=0, free_nusd=0)
    refuse = {
        "event": "refuse", "rid": "r_refused", "ts_us": RECORDED[-1]["at_us"] - S,
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


def _burner(member: str, spent: int, out: int, hour: int) -> dict[str, Any]:
    return {"member": member, "spent_nusd": spent * CENT, "out_nusd": out * CENT,
            "lately_nusd": hour * CENT, "seen_us": RECORDED[-1]["at_us"] - 40 * S}  # fmt: skip


def overview(role: str = "lead") -> dict[str, Any]:
    """How the team stands: two caps, who spends there, and two who ask for more."""
    now_us = RECORDED[-1]["at_us"]
    pools = [
        {"pool": "org.month", "level": "org", "window": "month", "cap_nusd": 1_000_00 * CENT,
         "spent_nusd": 561_20 * CENT, "out_nusd": 74_30 * CENT, "free_nusd": 364_50 * CENT,
         "ends_us": now_us + 12 * 86_400 * S,
         "members": [_burner("ben", 310_10, 31_20, 12_44), _burner("ana", 201_05, 40_00, 2_31),
                     _burner("cleo", 50_05, 3_10, 0)],
         "others": 0, "others_nusd": 0},
        {"pool": "team.api.week", "level": "team", "window": "week", "cap_nusd": 200_00 * CENT,
         "spent_nusd": 170_00 * CENT, "out_nusd": 22_40 * CENT, "free_nusd": 7_60 * CENT,
         "ends_us": now_us + 3 * 86_400 * S,
         "members": [_burner("ben", 158_95, 12_40, 12_44), _burner("ana", 11_05, 10_00, 2_31)],
         "others": 0, "others_nusd": 0},
    ]  # fmt: skip
    questions = [
        {"request": "r_1f3a", "member": "ben", "label": "ben-mac", "team": "api",
         "pool": "team.api.week", "amount_nusd": 20_00 * CENT, "reason": "release on Friday",
         "asked_us": now_us - 240 * S},
        {"request": "r_77c0", "member": "cleo", "label": "cleo-box", "team": "web",
         "pool": "org.month", "amount_nusd": 5_00 * CENT, "reason": "",
         "asked_us": now_us - 60 * S},
    ]  # fmt: skip
    return {"server_us": now_us, "role": role, "pools": pools, "questions": questions,
            "left_out": 0}  # fmt: skip


def team_words(role: str = "lead", **changes: Any) -> dict[str, Any]:
    """The team as the daemon tells it: this device's own allowance, and the overview."""
    pools = [
        {"name": "org.month", "window": "month", "cap_nusd": 1_000_00 * CENT,
         "ours_nusd": 120_00 * CENT, "spent_nusd": 101_20 * CENT, "held_nusd": 61 * CENT,
         "free_nusd": 18_19 * CENT},
        {"name": "team.api.week", "window": "week", "cap_nusd": 200_00 * CENT,
         "ours_nusd": 30_00 * CENT, "spent_nusd": 11_05 * CENT, "held_nusd": 0,
         "free_nusd": 18_95 * CENT},
    ]  # fmt: skip
    return {"team": "api", "member": "ana", "role": role, "frozen": False, "failed": "",
            "queued": 0, "heard_us": RECORDED[-1]["at_us"] - 180 * S, "pools": pools,
            "overview": overview(role), **changes}  # fmt: skip


def team() -> Replay:
    """In a team, as its lead: the caps, who spends there, and who asks for more."""
    return Replay([*RECORDED, _last_status(team=team_words())], name=NAME)


STATES: dict[str, Callable[[], Replay]] = {
    "calm": calm, "warning": warning, "spent": spent, "offline": offline, "empty": empty,
    "daemon-gone": gone, "team": team,
}  # fmt: skip
