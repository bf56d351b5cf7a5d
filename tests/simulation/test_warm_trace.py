"""The warm-subagent trace: nobody with money left is refused, and nothing is overspent."""

from pathlib import Path

import pytest

from tests.simulation.warm import Outcome, Trace, follow

USD = 10**9
WAIT_S = 20


def _look(trace: Trace, folder: Path) -> Outcome:
    found = follow(trace, folder)
    waits = ", ".join(f"{wait:.1f}" for wait in found.waits_s) or "none"
    print(
        f"{trace.requests} on ${trace.limit} ({trace.bound}, evicts {trace.evicts}): "
        f"{found.served} served in {found.seconds:.1f} s, {found.refused} refused, "
        f"{found.clamped} clamped, ${found.bill_nusd / USD:.3f} billed, waits (s): {waits}"
    )
    assert found.charged_nusd == found.bill_nusd
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("requests", "limit"), [(20, "25"), (8, "5")])
@pytest.mark.parametrize("bound", ["strict", "warm"])
def test_a_warm_cache_refuses_nobody(
    tmp_path: Path, requests: int, limit: str, bound: str, seed: int
) -> None:
    """20 on $25 and 8 on $5 are all served; nobody waits until their patience ends."""
    found = _look(Trace(requests, limit, bound, seed=seed), tmp_path)

    assert (found.served, found.refused, found.over_nusd) == (requests, 0, 0)
    assert 0.095 * USD < found.dearest_nusd < 0.115 * USD
    assert max(found.waits_s, default=0.0) < WAIT_S
    assert len(found.waits_s) <= {"20": 6, "8": 5}[str(requests)]
    if bound == "warm" and requests == 20:
        assert found.waits_s == ()


@pytest.mark.parametrize("bound", ["strict", "warm"])
@pytest.mark.parametrize("evicts", ["once", "always"])
def test_an_evicted_cache_overspends_nothing(tmp_path: Path, bound: str, evicts: str) -> None:
    """The provider forgets its cache in mid-run: all 20 are still served within $25."""
    found = _look(Trace(20, "25", bound, evicts=evicts), tmp_path)

    assert (found.served, found.refused, found.over_nusd) == (20, 0, 0)
    assert found.dearest_nusd > 0.9 * USD
    assert found.bill_nusd <= 25 * USD


@pytest.mark.parametrize("evicts", ["once", "always"])
def test_a_small_strict_budget_outlives_an_evicted_cache(tmp_path: Path, evicts: str) -> None:
    """8 on $5 when each of the last turns costs nine times as much: never above $5."""
    found = _look(Trace(8, "5", evicts=evicts), tmp_path)

    assert found.bill_nusd <= 5 * USD
    assert found.over_nusd == 0
    assert found.served >= 7
    assert found.served + found.refused == 8


def test_a_warm_budget_shows_what_a_miss_took_past_its_limit(tmp_path: Path) -> None:
    """It trusts a proven cache; what the provider's forgetting adds stands in the account."""
    found = _look(Trace(8, "5", "warm", evicts="always"), tmp_path)

    assert found.served == 8
    assert found.over_nusd == max(0, found.bill_nusd - 5 * USD)


@pytest.mark.parametrize("bound", ["strict", "warm"])
def test_two_cold_ones_share_two_dollars_without_passing_them(tmp_path: Path, bound: str) -> None:
    """Each costs most of a dollar: at least one is served, and the sum stays within $2."""
    found = _look(Trace(2, "2", bound, cold=True), tmp_path)

    assert found.bill_nusd <= 2 * USD
    assert found.over_nusd == 0
    assert found.served >= 1
    assert found.served + found.refused == 2


@pytest.mark.parametrize("bound", ["strict", "warm"])
def test_two_cold_ones_are_served_on_six_dollars(tmp_path: Path, bound: str) -> None:
    """There is room for both, so both leave at once."""
    found = _look(Trace(2, "6", bound, cold=True), tmp_path)

    assert (found.served, found.refused, found.over_nusd) == (2, 0, 0)
    assert found.waits_s == ()
