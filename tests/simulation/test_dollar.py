"""64 parallel requests against a budget of $1.00: the provider's own bill never passes it.

`python -m tests.simulation --runs 200 --seed N` runs more seeds and prints what it sees.
"""

from pathlib import Path

import pytest

from tests.simulation.scenario import scenario
from tests.simulation.world import holds, simulate

CHUNK = 5


@pytest.mark.parametrize("first", range(0, 15, CHUNK))
def test_the_bill_is_within_the_dollar(tmp_path: Path, first: int) -> None:
    """On made-up time: every limit holds, every charge covers the bill, and each refusal is one
    that nothing could have spared."""
    holds(tmp_path, range(first, first + CHUNK))


def test_a_run_is_the_same_each_time(tmp_path: Path) -> None:
    """One seed, one story: a failing seed can be looked at again."""
    folders = [tmp_path / "once", tmp_path / "again"]
    for folder in folders:
        folder.mkdir()
    once, again = (simulate(scenario(7), folder) for folder in folders)
    assert once == again
