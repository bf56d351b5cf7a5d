"""Run many seeds in a test, and say how to see a failing one again."""

from collections.abc import Iterable

from tests.simulation.team.__main__ import STEPS_EACH, line
from tests.simulation.team.world import History, history


def holds(seeds: Iterable[int], *, twins: bool = False, teams: bool = False) -> list[History]:
    """Every invariant holds in every history; the failing ones are named with their replay."""
    found = [history(seed, STEPS_EACH, twins=twins, teams=teams) for seed in seeds]
    failed = [line(each) for each in found if each.fault]
    assert not failed, "\n".join(failed)
    return found
