"""Windows follow the ledger's time, which never moves back: not for clocks, zones or restarts."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agentspend.bookkeeper.outcomes import Held, Refused
from agentspend.core.money import parse_usd
from agentspend.core.windows import Window, span
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


@pytest.mark.parametrize("window", ["day", "week", "month", "hour"])
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_another_zone_counts_its_own_windows_by_the_ledger(
    desk: Desk, window: str, zone: str
) -> None:
    """A window of the new zone may bear the name of another stretch of time in the old one."""
    desk.adopt(budget("cap", "1", window))
    for _ in range(90):
        desk.pass_time(8 * 3_600 + 700)
        _spend_now(desk, "0.60")
    left = desk.hold(desk.request("0.20", 100, floor=100, comfort=100))

    _move(desk, zone)

    for _ in range(90):
        fits = _spent_in(desk, window, zone) + parse_usd("0.60") <= parse_usd("1")
        assert _spend_now(desk, "0.60") == fits
        if isinstance(left, Held):
            desk.settle(left.rid, "0.20")
            left = None
        desk.pass_time(4 * 3_600 + 700)


def _move(desk: Desk, zone: str) -> None:
    """A person changes the zone of the calendar windows."""
    settings = f'{{"zone": "{zone}"}}'
    desk.do(lambda: desk.adoption.declare(desk.adoption.budgets, settings, desk.at))
    agreed = [change.text for change in desk.adoption.waits]
    desk.do(lambda: desk.adoption.confirm(agreed, desk.at))


def _spend_now(desk: Desk, usd: str) -> bool:
    answer = desk.hold(desk.request(usd, 100, floor=100, comfort=100, wait_s=0))
    if isinstance(answer, Held):
        desk.settle(answer.rid, usd)
    return isinstance(answer, Held)


def _spent_in(desk: Desk, window: str, zone: str) -> int:
    """What ledger and open holds have in the window that runs now, in that zone."""
    here = span(Window.parse(window), desk.now_us, ZoneInfo(zone))
    sums = desk.conn.execute(
        "SELECT (SELECT coalesce(sum(amount_nusd), 0) FROM entry"
        " WHERE window_us >= ?1 AND window_us < ?2),"
        " (SELECT coalesce(sum(amount_nusd), 0) FROM hold"
        " WHERE created_us >= ?1 AND created_us < ?2)",
        (here.starts_us, here.ends_us),
    ).fetchone()
    return sum(sums)
