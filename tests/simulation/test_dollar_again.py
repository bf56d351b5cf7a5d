"""The rest of the 190 runs on made-up time, and ten on the real clock (`make bounded`)."""

import asyncio
from pathlib import Path

import pytest

from tests.simulation.scenario import scenario
from tests.simulation.world import holds, live

CHUNK = 5

pytestmark = pytest.mark.bounded


@pytest.mark.parametrize("first", range(15, 190, CHUNK))
def test_the_bill_is_within_the_dollar(tmp_path: Path, first: int) -> None:
    """As in `test_dollar`, with other seeds."""
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
