"""Rules of several sources at once: nothing gets looser."""

from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.rules import NO_GUARD, LoopGuard, ModelRule, RateLimit, Rules, tighter


def test_the_rules_of_two_sources_all_hold() -> None:
    """Adding a source takes nothing away."""
    ours = Rules(models=(ModelRule(allow=("a",)),), rates=(RateLimit(rpm=9),))
    theirs = Rules(models=(ModelRule(deny=("b",)),), rates=(RateLimit(rpm=5),))
    both = ours + theirs
    assert both.models == (*ours.models, *theirs.models)
    assert both.rates == (*ours.rates, *theirs.rates)
    assert both + theirs + ours == both


GUARDS = st.builds(LoopGuard, st.sampled_from([0, 2, 3, 5]), st.integers(1, 9))


def stops(guard: LoopGuard, moments: list[int]) -> bool:
    """Whether a guard stops one of these requests of the same body, each at its second."""
    return guard.repeats > 0 and any(
        sum(at - guard.within_s < other <= at for other in moments) >= guard.repeats
        for at in moments
    )


@given(one=GUARDS, other=GUARDS, moments=st.lists(st.integers(0, 20), max_size=8))
def test_a_guard_of_two_sources_stops_whatever_either_stops(
    one: LoopGuard, other: LoopGuard, moments: list[int]
) -> None:
    """Fewer repeats in a shorter time are no tighter: what came slower would get through."""
    both = tighter(one, other)

    assert stops(both, moments) >= (stops(one, moments) or stops(other, moments))
    assert tighter(one, NO_GUARD) == (one if one.repeats else NO_GUARD)
