"""64 parallel requests against a budget of $1.00: the provider's own bill never passes it.

`python -m tests.simulation --runs 200 --seed N` runs more seeds and prints what it sees.
"""

import asyncio
from pathlib import Path

import pytest

from tests.simulation.scenario import scenario
from tests.simulation.world import holds, live, simulate

CHUNK = 5


@pytest.mark.parametrize("first", range(0, 95, CHUNK))
def test_the_bill_is_within_the_dollar(tmp_path: Path, first: int) -> None:
    """On made-up time: every limit holds, every charge covers the bill, and each refusal is one
    that nothing could have spared."""
    holds(tmp_path, range(first, first + CHUNK))


@pytest.mark.real_time
async def test_the_bill_is_within_the_dollar_in_real_time(tmp_path: Path) -> None:
    """Ten small runs on the real clock and real threads hold just the same."""
    for seed in range(1_000, 1_010):
        folder = tmp_path / str(seed)
        folder.mkdir()
        verdict = await asyncio.wait_for(live(scenario(seed, real_time=True), folder, None), 60)
        assert not verdict.faults, f"seed {seed}: {verdict.faults}"
        assert verdict.bill_nusd <= 10**9


def test_a_run_is_the_same_each_time(tmp_path: Path) -> None:
    """One seed, one story: a failing seed can be looked at again."""
    folders = [tmp_path / "once", tmp_path / "again"]
    for folder in folders:
        folder.mkdir()
    once, again = (simulate(scenario(7), folder) for folder in folders)
    assert once == again
