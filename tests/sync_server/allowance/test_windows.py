"""When a pool's next window begins: on the server's clock, in the organisation's zone."""

from sync_server.allowance.journal import Opened
from sync_server.allowance.pools import PoolState
from sync_server.allowance.windows import due, first

HOUR_US = 3_600_000_000
NEW_YEAR_US = 1_767_222_000_000_000
"""2026-01-01 00:00 in Berlin, an hour before UTC's."""


def test_a_month_ends_at_midnight_in_the_zone() -> None:
    """Not a moment earlier; the next line says when that one ends."""
    opened = first("p", 500, "month", NEW_YEAR_US - 1, "Europe/Berlin")
    assert opened == Opened("p", 500, 2025 * 12 + 11, NEW_YEAR_US)
    state = PoolState("p", 500, opened.window, opened.ends_us)
    assert due([(state, "month")], NEW_YEAR_US - 1, "Europe/Berlin") == []
    assert due([(state, "month")], NEW_YEAR_US, "Europe/Berlin") == [
        Opened("p", 500, 2026 * 12, NEW_YEAR_US + 31 * 24 * HOUR_US)
    ]


def test_windows_nobody_saw_are_skipped() -> None:
    """A server that was off for a week opens the day that runs now."""
    opened = first("p", 500, "day", NEW_YEAR_US, "Europe/Berlin")
    state = PoolState("p", 500, opened.window, opened.ends_us)
    lines = due([(state, "day")], NEW_YEAR_US + 7 * 24 * HOUR_US, "Europe/Berlin")
    assert [line.window for line in lines] == [opened.window + 7]


def test_a_total_never_ends() -> None:
    """It has one window."""
    opened = first("p", 500, "total", NEW_YEAR_US, "UTC")
    assert opened == Opened("p", 500, 0, None)
    state = PoolState("p", 500, 0, None)
    assert due([(state, "total")], NEW_YEAR_US * 2, "UTC") == []
