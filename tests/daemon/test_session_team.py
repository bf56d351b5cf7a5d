"""Which team a session is for: a person's word, the repository's, the outer session's, or home."""

import pytest

from agentspend.config.repository import Workplace
from agentspend.core.errors import AgentspendError
from agentspend.core.rules import NO_RULES
from agentspend.core.scopes import Payer
from agentspend.daemon.session_team import told, with_team
from agentspend.proxy.sessions import Session

TEAMS = ("backend", "data")
PLACE = ".agentspend.toml line 2: team"


def place(team: str = "", team_from: str = "") -> Workplace:
    """A session that asks for a team."""
    return Workplace(Payer(team=team), NO_RULES, {}, team_from)


def outer(team: str) -> Session:
    """The session around it."""
    return Session("s_0", Payer(session="s_0", team=team), "t")


@pytest.mark.parametrize(
    ("asked", "around", "paid"),
    [
        (place(), None, ""),
        (place("data"), None, "data"),
        (place("data", PLACE), None, "data"),
        (place(), outer("data"), "data"),
        (place("backend", PLACE), outer("data"), "data"),
        (place("web", PLACE), outer("data"), "data"),
        (place("data"), outer("data"), "data"),
        (place("backend"), outer(""), ""),
        (place("backend"), outer("backend"), "backend"),
    ],
)
def test_who_pays(asked: Workplace, around: Session | None, paid: str) -> None:
    """Inside a session it is that one's, whatever the folder says: "" follows the home team."""
    assert with_team(asked, around, TEAMS).payer.team == paid


@pytest.mark.parametrize(
    ("asked", "around", "teams", "says"),
    [
        (place("web"), None, TEAMS, "--team web, and you are not in it"),
        (place("web", PLACE), None, TEAMS, f"{PLACE} = 'web', and you are not in it"),
        (place("web"), None, (), "--team web, and this device is in no team"),
        (place("data"), outer(""), TEAMS, "--team data: this is inside a session for team backend"),
        (place("backend"), outer("data"), TEAMS, "inside a session for team data"),
    ],
)
def test_who_does_not(
    asked: Workplace, around: Session | None, teams: tuple[str, ...], says: str
) -> None:
    """What happened, the fact, and the command that changes it."""
    with pytest.raises(AgentspendError) as caught:
        with_team(asked, around, teams)
    assert says in caught.value.message
    assert "agentspend" in caught.value.hint


def test_a_file_that_names_a_team_keeps_nobody_out_who_is_in_none() -> None:
    """Anybody may work on a project whose own people are a team."""
    assert with_team(place("web", PLACE), None, ()).payer.team == ""


def test_a_run_is_told_which_team_pays() -> None:
    """Also where nobody named one; nothing without a team."""
    assert told(Payer(agent="claude"), TEAMS) == {"agent": "claude", "team": "backend"}
    assert told(Payer(team="data"), TEAMS) == {"team": "data"}
    assert told(Payer(agent="claude"), ()) == {"agent": "claude"}
