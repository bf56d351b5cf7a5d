"""What the status line says: the budget that stops a session first, a team's cap among them."""

from typing import Any

import pytest

from agentspend.bookkeeper import snapshot
from agentspend.bookkeeper.brief import brief
from agentspend.core.allowance.messages import PoolSeen
from agentspend.core.forecast import BURN_US
from tests.bookkeeper.conftest import Desk, budget
from tests.bookkeeper.test_team import ANA, ORG, USD, Told, hear, join

SEEN = {"acme": PoolSeen("acme", "org", "month", 100 * USD, 60 * USD, 10 * USD, 30 * USD, None)}
"""Others spent most of $60 and hold $5.25 of the $100."""


@pytest.fixture
def team(desk: Desk) -> Desk:
    """$5 of the team's $100 are granted here, $0.25 of it spent."""
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, 5 * USD))
    request = desk.request(payer=ANA)
    desk.hold(request)
    desk.settle(request.rid, "0.25")
    return desk


def _budget(desk: Desk, **seen: Any) -> Any:
    return desk.do(lambda: brief(desk.books, desk.at, ANA, **seen))["budget"]


def test_a_cap_is_whole_where_its_server_told(team: Desk) -> None:
    """In the line and in `status`: the same amounts, which add up to the cap."""
    told = _budget(team, seen=SEEN)
    [line] = team.do(lambda: snapshot.team_lines(team.books, team.at, SEEN))
    for name in ("limit_nusd", "spent_nusd", "held_nusd", "free_nusd"):
        assert line[name] == told[name]
    assert (told["limit_nusd"], told["free_nusd"]) == (100 * USD, 34 * USD + 3 * USD // 4)
    assert (told["spent_nusd"], told["held_nusd"]) == (60 * USD, 5 * USD + USD // 4)
    assert (told["grows"], line["allowance_nusd"], line["cap_nusd"]) == (
        False, 5 * USD, 100 * USD,
    )  # fmt: skip


@pytest.mark.parametrize(("was", "free"), [(120, 50), (90, 20), (200, 130)])
def test_a_cap_that_was_changed_is_known_before_it_is_looked_at_anew(
    team: Desk, was: int, free: int
) -> None:
    """A refusal and the line after it name the same limit, and the same money is free."""
    old = PoolSeen("acme", "org", "month", was * USD, 60 * USD, 10 * USD, free * USD, None)
    assert _budget(team, seen={"acme": old}) == _budget(team, seen=SEEN)


def test_an_allowance_is_told_as_one(team: Desk) -> None:
    """It is not how much is left, so a budget of this machine goes before it."""
    told = _budget(team)
    assert (told["name"], told["grows"], told["cap_nusd"]) == ("team:acme", True, 100 * USD)
    assert told["free_nusd"] == 5 * USD - USD // 4
    team.adopt(budget("daily", "50"))
    assert _budget(team)["name"] == "daily"
    assert _budget(team, seen=SEEN)["name"] == "team:acme"


def test_the_pace_is_that_of_the_last_half_hour(team: Desk) -> None:
    """A quarter of a dollar within it is half a dollar an hour; what came before is forgotten."""
    half_an_hour_s = BURN_US // 1_000_000
    paces = []
    for wait_s in (0, half_an_hour_s - 1, 1):
        team.pass_time(wait_s)
        paces.append(team.do(lambda: brief(team.books, team.at, ANA))["burn_nusd_per_h"])
    assert paces == [USD // 2, USD // 2, 0]
