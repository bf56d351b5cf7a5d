"""Which of its member's teams an entry was spent for."""

import pytest

from agentspend.wire.entries import Entry, encode
from agentspend.wire.entry_reader import read_entry
from sync_server.belonging import Belonging

ANNA = Belonging(
    home="backend",
    teams=frozenset({"backend", "data"}),
    known=frozenset({"backend", "data", "web"}),
    frozen=frozenset({"data"}),
    owners={"team.backend.day": "backend", "team.data.day": "data", "team.web.day": "web"},
)


@pytest.mark.parametrize(
    ("team", "rights", "paid"),
    [
        (None, [], "backend"),
        (None, ["org.day"], "backend"),
        (None, ["org.day", "team.web.day"], "web"),
        ("data", [], "data"),
        ("web", [], "web"),
        ("data", ["team.backend.day"], "data"),
        ("somebody-elses", [], "backend"),
        ("somebody-elses", ["team.data.day"], "data"),
        (None, ["team.nobodys.day"], "backend"),
    ],
)
def test_who_paid(team: str | None, rights: list[str], paid: str) -> None:
    """As it says, where its member is or was in that team; an old entry by its rights, or home."""
    named = [(pool, 1, 5) for pool in rights]
    entry = Entry("i", 1, "", "settle", 1, amount_nusd=5, rights=named, team=team)
    said = read_entry(encode(entry))
    assert ANNA.team_of(said) == paid
    found = {pool for pool in (*ANNA.owners, "org.day") if ANNA.counts(said, pool)}
    assert found == {"org.day", f"team.{paid}.day"}


def test_a_frozen_team_wants_nothing_and_the_others_go_on() -> None:
    """What all share is still to be had, until all of a member's teams are frozen."""
    found = {pool: ANNA.may_want(pool) for pool in (*ANNA.owners, "org.day")}
    assert found == {
        "team.backend.day": True, "team.data.day": False, "team.web.day": True, "org.day": True,
    }  # fmt: skip
    alone = Belonging("data", frozenset({"data"}), frozenset({"data"}), frozenset({"data"}))
    assert not alone.may_want("org.day")
    assert Belonging().may_want("org.day")
