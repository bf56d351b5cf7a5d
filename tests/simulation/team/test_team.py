"""A quarter of a million steps of the team protocol: no cap is passed, and everybody recovers.

`test_team_again` has three times as many more (`make bounded`).
"""

from collections import Counter

import pytest

from tests.simulation.team.running import holds
from tests.simulation.team.world import history

CHUNK = 25


@pytest.mark.parametrize("first", range(1, 126, CHUNK))
def test_no_cap_is_passed_and_everybody_recovers(first: int) -> None:
    """I1-I6 at every bill and every few steps, L1-L4 when the faults have stopped."""
    found = holds(range(first, first + CHUNK))
    assert sum(each.billed for each in found) > 0


def test_every_fault_happens() -> None:
    """A fault that never happens proves nothing: each is met in a small part of the seeds."""
    counts: Counter[str] = Counter()
    for seed in range(1, 21):
        counts.update(history(seed, 1_000).counts)
    rare = {name for name, count in counts.items() if count < 3}
    assert rare == set()


def test_a_history_is_the_same_each_time() -> None:
    """One seed, one story: a failing seed can be looked at again."""
    once: list[str] = []
    again: list[str] = []
    assert history(4, 600, once.append) == history(4, 600, again.append)
    assert once == again
