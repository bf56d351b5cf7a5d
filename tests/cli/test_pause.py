"""`agentspend pause` and `resume`: who is meant, and what is said."""

from typing import Any

import pytest

from agentspend.cli import pause
from tests.cli.conftest import Command
from tests.support.process import Home

PAUSED = {"why": "the same request came 5 times within 5 min", "since_us": 0}


@pytest.fixture(autouse=True)
def _home(fresh: Home) -> None:
    """A home without a daemon."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What the daemon is asked; two sessions run, one of them and a third are paused."""
    found: list[tuple[str, Any]] = []

    def ask(op: str, **fields: Any) -> dict[str, Any]:
        if op == "status":
            return {"sessions": [{"id": "s_1a"}, {"id": "s_2b"}],
                    "paused": {"s_1a": PAUSED, "k:x": PAUSED}}  # fmt: skip
        found.append((op, fields["session"]))
        return {"resumed": [fields["session"]]}

    monkeypatch.setattr(pause.access, "ask", ask)
    monkeypatch.setattr(pause.access, "daemon", dict)
    return found


@pytest.mark.parametrize(
    ("words", "expected", "says"),
    [
        ("pause s_2", ("session.pause", "s_2b"), "session s_2b is paused"),
        ("pause --all", ("session.pause", ""), "everybody is paused"),
        ("resume k", ("session.resume", "k:x"), "session k:x goes on"),
        ("resume --all", ("session.resume", ""), "everybody goes on"),
    ],
)
def test_who_is_meant(
    agentspend: Command, asked: list[Any], words: str, expected: tuple[str, str], says: str
) -> None:
    """The beginning of a name will do."""
    ran = agentspend(*words.split())
    assert (ran.code, asked) == (0, [expected])
    assert says in ran.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("pause", "name a session, or --all"),
        ("pause s_1a --all", "name a session, or --all"),
        ("pause s_9", "no session 's_9' runs"),
        ("pause s_", "'s_' could be s_1a, s_2b"),
        ("resume", "2 are paused: s_1a, k:x"),
        ("resume s_2", "no session 's_2' is paused"),
    ],
)
def test_who_is_not(agentspend: Command, asked: list[Any], words: str, says: str) -> None:
    """Nothing is asked, and the way out is named."""
    ran = agentspend(*words.split())
    assert (ran.code, asked) == (2, [])
    assert says in ran.err


def test_the_only_one_needs_no_name(agentspend: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where nothing is paused, that is said."""
    told = {"status": {"sessions": [], "paused": {"s_1": PAUSED}},
            "session.resume": {"resumed": ["s_1"]}}  # fmt: skip
    monkeypatch.setattr(pause.access, "ask", lambda op, **_: told[op])
    assert "session s_1 goes on" in agentspend("resume").err
    told["status"] = {"sessions": [], "paused": {}}
    assert "nothing is paused" in agentspend("resume").err


def test_what_status_says() -> None:
    """Who, for how long, why, and the command."""
    assert pause.told({"s_1": PAUSED, "": {**PAUSED, "why": "a person paused it"}}, 90_000_000) == [
        "! session s_1 is paused for 1 min: the same request came 5 times within 5 min",
        "  → agentspend resume s_1",
        "! everybody is paused for 1 min: a person paused it",
        "  → agentspend resume --all",
    ]


def test_everybody_can_be_stopped_while_no_daemon_runs(agentspend: Command) -> None:
    """Who stops all spending means also what would begin next: it is in force from the start on."""
    ran = agentspend("pause", "--all")
    assert (ran.code, ran.err) == (0, "everybody is paused\n→ agentspend resume --all\n")
    assert list(agentspend("status", "--json").json()["paused"]) == [""]
    agentspend("daemon", "stop")
    assert agentspend("resume").err == "everybody goes on\n"
