"""Rules of several sources at once: nothing gets looser."""

from agentspend.core.rules import NO_GUARD, LoopGuard, ModelRule, RateLimit, Rules, tighter


def test_the_rules_of_two_sources_all_hold() -> None:
    """Adding a source takes nothing away."""
    ours = Rules(models=(ModelRule(allow=("a",)),), rates=(RateLimit(rpm=9),))
    theirs = Rules(models=(ModelRule(deny=("b",)),), rates=(RateLimit(rpm=5),))
    both = ours + theirs
    assert both.models == (*ours.models, *theirs.models)
    assert both.rates == (*ours.rates, *theirs.rates)


def test_the_guard_that_stops_sooner_wins() -> None:
    """A guard that is off loosens nothing."""
    assert tighter(LoopGuard(8, 60), NO_GUARD) == LoopGuard(8, 60)
    assert tighter(LoopGuard(8, 60), LoopGuard(5, 10)) == LoopGuard(5, 10)
    assert tighter(LoopGuard(5, 10), LoopGuard(5, 60)) == LoopGuard(5, 60)
    assert tighter(NO_GUARD, NO_GUARD) == NO_GUARD
