"""What no account of a pool holds: exactly what was billed in it without a right there."""

from dataclasses import replace

import pytest

from agentspend.core.scopes import Scope
from agentspend.wire.entries import Entry, encode
from agentspend.wire.entry_reader import Read, read_entry
from sync_server.allowance.pools import PoolState
from sync_server.belonging import Belonging
from sync_server.unheld import Terms, charge, counts
from tests.sync_server.made import case

TERMS = Terms(Scope.of({"project": "acme/api"}), 100)


def said(amount: int = 5, ts: int = 150, **more: object) -> Read:
    """An entry as a device reports it."""
    words = {"project": "acme/api", "counted": "billed", "kind": "settle", **more}
    kind = str(words.pop("kind"))
    entry = Entry("i_1", 1, "", kind, ts, amount_nusd=amount, **words)  # type: ignore[arg-type]
    return read_entry(encode(entry))


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, True),
        ({"rights": [("other", 3, 5)]}, True),
        ({"project": "acme", "tags": ["project=acme/api"]}, True),
        ({"ts": 150, "held_at": 100}, True),
        ({"rights": [("p", 2, 5)]}, False),
        ({"rights": [("p", 3, 5)]}, True),
        ({"counted": "subscription"}, False),
        ({"project": "other"}, False),
        ({"kind": "note"}, False),
        ({"ts": 99}, False),
        ({"ts": 150, "held_at": 99}, False),
        ({"amount": 0}, False),
    ],
)
def test_what_counts(more: dict[str, object], found: bool) -> None:
    """Billed, in the scope, since the window began, and without a right of any account there."""
    assert counts(said(**more), "p", TERMS, windows={2}) is found  # type: ignore[arg-type]


def test_it_takes_from_what_may_be_granted() -> None:
    """In every pool that lacks a right, once for each entry."""
    made = case(PoolState("p", 100, 3), PoolState("q", 100, 3))
    charge(made, [said(rights=[("q", 3, 5)]), said(7), said(kind="note")], lambda _: TERMS)
    assert {name: pool.late_nusd for name, pool in made.pools.items()} == {"p": 12, "q": 7}
    assert made.pools["p"].available_nusd == 88


def test_what_was_spent_in_the_old_team_is_not_the_new_ones() -> None:
    """A member has moved: an entry that names a pool of the old team counts there, and in what
    both teams share. So does one that names that team, where its cap came too late for a right."""
    late = [PoolState(name, 100, 3) for name in ("new", "old", "older", "all")]
    owners = {"new": "data", "old": "backend", "older": "backend"}
    belongs = Belonging("data", frozenset({"data"}), frozenset({"data", "backend"}), owners=owners)
    left = frozenset({"old", "older"})
    made = replace(case(*late), gone=left, left=left, belongs=belongs)
    charge(made, [said(rights=[("old", 3, 5)])], lambda _: TERMS)
    assert [made.pools[pool.id].late_nusd for pool in late] == [0, 0, 5, 5]
    charge(made, [said(7, team="backend")], lambda _: TERMS)
    assert [made.pools[pool.id].late_nusd for pool in late] == [0, 7, 12, 12]
    charge(made, [said(9), said(1, team="somebody-elses")], lambda _: TERMS)
    assert [made.pools[pool.id].late_nusd for pool in late] == [10, 7, 12, 22]


def test_a_right_of_a_cap_that_was_taken_away_excuses_nothing() -> None:
    """What was spent under the old cap counts under the one that came in its place."""
    made = case(PoolState("day", 100, 3), PoolState("month", 100, 3))
    made = replace(made, gone=frozenset({"month"}))
    charge(made, [said(rights=[("month", 3, 5)])], lambda _: TERMS)
    assert made.pools["day"].late_nusd == 5
