"""`kill -9` of the real daemon under load: fifty cycles here, five hundred by `make torture`."""

import asyncio
import secrets
from pathlib import Path

import pytest

from tests.torture.__main__ import table
from tests.torture.cycles import POINTS, Torture

CYCLES = 50
EACH = 5
HANG_GUARD_S = 10.0

pytestmark = pytest.mark.bounded


def test_no_kill_loses_a_settlement_or_undercharges(tmp_path: Path) -> None:
    """Every point is hit five times; the provider's own file finds nothing lost or too cheap."""
    seed = secrets.randbelow(10**6)

    report = asyncio.run(Torture(tmp_path, seed).run(CYCLES, EACH, more=False, verify_every=25))

    print(f"seed {seed}\n{table(report, EACH, 0)}")
    assert report.cycles >= CYCLES
    assert all(report.hits[point] >= EACH for point in POINTS), f"seed {seed}: {report.hits}"
    told = report.told
    assert min(told.acknowledged, told.completed, told.exact, told.crashed) > 0, f"seed {seed}"
    assert max(report.restarts_s) < HANG_GUARD_S, f"seed {seed}: {report.restarts()}"
