"""Reserves as the rules keep them: kept back until drawn, whole again with the next window."""

import json

import pytest

from sync_server.allowance.pools import PoolState
from sync_server.reserves import NotDrawn, all_of, drawn, kept_back, with_reserve

POOL = PoolState("org", 100, 7)
RULES = json.dumps(with_reserve('{"models": []}', "org", 30))


def test_a_reserve_takes_from_what_may_be_granted_until_it_is_drawn() -> None:
    """In its running window; the next one has it again."""
    pools = {"org": POOL, "other": PoolState("other", 100, 7)}
    assert {name: each.available_nusd for name, each in kept_back(RULES, pools).items()} == {
        "org": 70
    }
    after = json.dumps(drawn(RULES, POOL, "anna", "why"))
    assert kept_back(after, pools) == {}
    assert kept_back(after, {"org": POOL.rolled(8, None)})["org"].available_nusd == 70


def test_it_is_drawn_once() -> None:
    """And only where there is one; other rules stay."""
    after = json.dumps(drawn(RULES, POOL, "anna", "why"))
    assert json.loads(after)["models"] == []
    with pytest.raises(NotDrawn, match="was drawn by anna"):
        drawn(after, POOL, "ben", "again")
    with pytest.raises(NotDrawn, match="has no reserve"):
        drawn("{}", POOL, "ben", "none")


def test_another_size_does_not_give_it_back_within_the_window() -> None:
    """Who has drawn it has it; without one there is none."""
    after = json.dumps(drawn(RULES, POOL, "anna", "why"))
    larger = json.dumps(with_reserve(after, "org", 50))
    assert kept_back(larger, {"org": POOL}) == {}
    assert all_of(json.dumps(with_reserve(larger, "org", None))) == []
