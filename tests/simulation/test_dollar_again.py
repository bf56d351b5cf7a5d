"""The other half of the 190 runs on made-up time: two files, so that two may run at once."""

from pathlib import Path

import pytest

from tests.simulation.world import holds

CHUNK = 5


@pytest.mark.parametrize("first", range(95, 190, CHUNK))
def test_the_bill_is_within_the_dollar(tmp_path: Path, first: int) -> None:
    """As in `test_dollar`, with other seeds."""
    holds(tmp_path, range(first, first + CHUNK))
