"""Windows follow the ledger's time, which never moves back: not for clocks, zones or restarts."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agentspend.bookkeeper.outcomes import Held, Refused
from tests.bookkeeper.conftest import Desk, budget

BERLIN = ZoneInfo("Europe/Berlin")


def _at(text: str) -> int:
    """UTC µs of a local time in Berlin; `*` marks the second of two equal hours."""
    local = datetime.fromisoformat(text.rstrip("*")).replace(tzinfo=BERLIN)
    local = local.replace(fold=int(text.endswith("*")))
    return int(local.timestamp()) * 1_000_000


def _spend(desk: Desk, text: str, usd: str = "0.60") -> bool:
    """One request at a local time; False when it is refused."""
    desk.now_us = _at(text)
    answer = desk.hold(desk.request("0.60", 100, floor=100, comfort=100))
    if isinstance(answer, Refused):
        return False
    assert isinstance(answer, Held)
    desk.settle(answer.rid, usd)
    return True


@pytest.mark.parametrize(
    ("window", "moments"),
    [
        # the long day, with 2:30 twice: one day, one dollar
        ("day", ["2027-10-31 00:10", "2027-10-31 02:30", "2027-10-31 02:30*", "2027-10-31 23:59"]),
        # the short day, in which 2:30 does not exist
        ("day", ["2027-03-28 00:10", "2027-03-28 03:00", "2027-03-28 23:59"]),
        ("week", ["2027-10-25 00:00", "2027-10-31 23:59"]),
        ("month", ["2027-10-01 00:00", "2027-10-31 23:59"]),
    ],
)
def test_a_window_across_a_clock_change_has_its_money_once(
    desk: Desk, window: str, moments: list[str]
) -> None:
    """An hour that comes twice, or never, opens no second account."""
    desk.adopt(budget("cap", "1", window))

    assert [_spend(desk, moment) for moment in moments] == [True] + [False] * (len(moments) - 1)
    assert desk.conn.execute("SELECT count(*) FROM account").fetchone() == (1,)


@pytest.mark.parametrize("midnight", ["2027-11-01 00:00", "2027-03-29 00:00", "2027-06-02 00:00"])
def test_midnight_opens_the_next_day(desk: Desk, midnight: str) -> None:
    """Also after a day of 25 or 23 hours."""
    desk.adopt(budget("cap", "1"))
    desk.now_us = _at(midnight) - 1_000_000
    held = desk.hold(desk.request("0.60", 100, floor=100, comfort=100))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.60")

    assert _spend(desk, midnight)


def test_the_hour_that_comes_twice_is_two_hours(desk: Desk) -> None:
    """A cap per hour counts hours that pass, not their names."""
    desk.adopt(budget("cap", "1", "hour"))

    assert _spend(desk, "2027-10-31 02:10")
    assert not _spend(desk, "2027-10-31 02:50")
    assert _spend(desk, "2027-10-31 02:10*")
    assert not _spend(desk, "2027-10-31 02:50*")


def test_a_clock_set_back_opens_nothing_and_forward_again_goes_on(desk: Desk) -> None:
    """Yesterday's account is closed for good, and today's is not opened twice."""
    desk.adopt(budget("cap", "1"))
    assert _spend(desk, "2027-06-01 12:00")
    assert _spend(desk, "2027-06-02 12:00")

    assert not _spend(desk, "2027-06-01 12:00")
    assert not _spend(desk, "2026-01-01 00:00")
    assert _spend(desk, "2027-06-03 00:00")


def test_a_restart_remembers_the_latest_moment(desk: Desk) -> None:
    """A clock set back while the daemon was down changes nothing."""
    desk.adopt(budget("cap", "1"))
    assert _spend(desk, "2027-06-01 12:00")

    again = Desk(desk.path)

    assert not _spend(again, "2027-05-01 12:00")
    assert _spend(again, "2027-06-02 12:00")


def test_a_rolling_window_does_not_grow_when_the_clock_falls_back(desk: Desk) -> None:
    """What was spent stays inside until its hours have really passed."""
    desk.adopt(budget("cap", "1", "5h"))
    assert _spend(desk, "2027-06-01 12:00")

    assert not _spend(desk, "2027-06-01 06:00")
    assert not _spend(desk, "2027-06-01 16:59")
    assert _spend(desk, "2027-06-01 17:01")


def test_entries_are_never_dated_before_the_last_one(desk: Desk) -> None:
    """The ledger's own order is the order of time."""
    desk.adopt(budget("cap", "100"))
    for moment in ("2027-06-01 12:00", "2027-05-01 12:00", "2027-06-01 12:30"):
        _spend(desk, moment)

    stamps = [row[0] for row in desk.conn.execute("SELECT ts_us FROM entry ORDER BY seq")]
    assert stamps == sorted(stamps)
