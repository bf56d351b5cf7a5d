"""Moments and durations as people say them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agentspend.core.phrases import in_text, resets_text

NOW = datetime(2026, 11, 25, 13, 33, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (34_020, "9 h 27 min"),
        (2 * 86_400 - 60, "47 h 59 min"),
        (2 * 86_400, "2 d"),
        (6 * 86_400 + 80_000, "6 d"),
    ],
)
def test_a_duration_is_coarse(seconds: int, text: str) -> None:
    """Two units at most."""
    assert in_text(seconds) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ("2026-11-25T15:00:00+01:00", "today 15:00 (in 27 min)"),
        ("2026-11-26T00:00:00+01:00", "tonight 00:00 (in 9 h 27 min)"),
        ("2026-11-26T09:00:00+01:00", "tomorrow 09:00 (in 18 h 27 min)"),
        ("2026-12-01T00:00:00+01:00", "Tue 1 Dec 00:00 (in 5 d)"),
    ],
)
def test_a_reset_is_told_in_the_readers_own_day(at: str, text: str) -> None:
    """Today, tonight, tomorrow, else the date; in the budgets' zone."""
    resets_us = int(datetime.fromisoformat(at).timestamp()) * 1_000_000
    assert resets_text(resets_us, NOW, BERLIN) == text
