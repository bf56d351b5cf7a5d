"""Days of eighty devices: no cap is passed, nobody online is refused what could be had.

The whole month at both demands is `make month`.
"""

from dataclasses import replace

import pytest

from sync_server.allowance import grants, pools
from tests.simulation.month.__main__ import faults
from tests.simulation.month.plan import USD, Plan
from tests.simulation.month.world import month

DAYS = Plan(0, days=2, devices=40, teams=4, projects=6, cap_nusd=130 * USD, requests=25)


def plan(demand_percent: int) -> Plan:
    """Two days of forty devices, as dear as a month's."""
    return replace(DAYS, demand_percent=demand_percent)


@pytest.mark.parametrize("demand_percent", [95, 130])
def test_days_of_a_team(demand_percent: int) -> None:
    """With money to spare, and with a third too little: then it is spent to the last cents."""
    asked = plan(demand_percent)
    outcome = month(asked)
    assert faults(asked, outcome) == []
    assert outcome.served > 5_000
    if demand_percent > 100:
        assert outcome.refused["exhausted"] > 0
        assert outcome.spent_nusd > asked.cap_nusd * 98 // 100


@pytest.mark.bounded
@pytest.mark.parametrize("seed", [4, 7])
def test_what_lies_about_in_crumbs_can_be_had(seed: int) -> None:
    """Days on which people online were once refused: what was on its way was asked for eight times
    in two seconds and given up, and pennies on many devices were left there."""
    asked = replace(DAYS, demand_percent=130, days=4, cap_nusd=260 * USD, requests=40, seed=seed)
    assert faults(asked, month(asked)) == []


def test_a_month_sees_a_cap_that_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted mistake: what is committed in a pool is forgotten."""
    monkeypatch.setattr(pools.PoolState, "available_nusd", property(lambda pool: pool.cap_nusd))
    asked = plan(130)
    assert any("passed" in fault for fault in faults(asked, month(asked)))


def test_a_month_sees_who_is_refused_what_lies_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted mistake: nobody is asked to give anything back."""
    monkeypatch.setattr(grants, "keep_nusd", lambda *_: None)
    asked = plan(130)
    assert any("stranding" in fault for fault in faults(asked, month(asked)))
