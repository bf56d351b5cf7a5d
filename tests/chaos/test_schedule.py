"""The schedule: the same for a seed, everything in it, spread over the whole run."""

from tests.chaos.least import IN_A_MINUTE, least
from tests.chaos.schedule import EVERY_S, RESTORE, WAYS, plan


def test_a_seed_tells_the_same_story() -> None:
    """And another seed another one."""
    assert plan(7, 60, 8) == plan(7, 60, 8)
    assert plan(7, 60, 8) != plan(8, 60, 8)


def test_every_kind_happens_in_any_run() -> None:
    """Each at least twice, a restore in every way, all within the run and to every device."""
    for lasts_s in (10.0, 60.0, 600.0):
        events = plan(3, lasts_s, 8)
        for kind in EVERY_S:
            assert sum(event.kind == kind for event in events) >= 2
        assert {event.way for event in events if event.kind == RESTORE} == set(WAYS)
        assert all(0 <= event.at_s <= lasts_s for event in events)
    assert {event.device for event in plan(3, 60.0, 8)} == set(range(8))


def test_the_least_is_within_what_is_planned() -> None:
    """A run cannot fail for a fault that was never to come."""
    for lasts_s in (20.0, 60.0, 600.0):
        events = plan(1, lasts_s, 8)
        for kind, count in least(lasts_s).items():
            if kind in EVERY_S:
                assert count <= sum(event.kind == kind for event in events), kind


def test_a_longer_run_must_reach_more() -> None:
    """Ten minutes are six dense ones."""
    short, long = least(60.0), least(600.0)
    assert all(long[name] >= 6 * short[name] for name in IN_A_MINUTE)
