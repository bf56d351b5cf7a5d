"""Periods in a zone: whole days, also where days have 23 or 25 hours, and what they are called."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.errors import AgentspendError
from agentspend.core.windows import QUARTER_US
from agentspend.reports.periods import WORDS, Calendar, Period, read_period

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
HAVANA, APIA = ZoneInfo("America/Havana"), ZoneInfo("Pacific/Apia")


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    """A local moment in microseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000


NOW = at("2026-11-26 14:07:00")


@pytest.mark.parametrize(
    ("word", "starts", "ends"),
    [
        ("today", "2026-11-26", "2026-11-27"),
        ("yesterday", "2026-11-25", "2026-11-26"),
        ("this-week", "2026-11-23", "2026-11-30"),
        ("last-week", "2026-11-16", "2026-11-23"),
        ("this-month", "2026-11-01", "2026-12-01"),
        ("", "2026-11-01", "2026-12-01"),
        ("last-month", "2026-10-01", "2026-11-01"),
        ("7d", "2026-11-20", "2026-11-27"),
        ("1d", "2026-11-26", "2026-11-27"),
        ("2w", "2026-11-13", "2026-11-27"),
        ("12h", "2026-11-26 02:00", "2026-11-27"),
        ("2026-10", "2026-10-01", "2026-11-01"),
        ("2026-03-29", "2026-03-29", "2026-03-30"),
    ],
)
def test_a_word(word: str, starts: str, ends: str) -> None:
    """From the first midnight up to the last; hours in whole quarters."""
    found = read_period(word, "", "", NOW, BERLIN)
    assert (found.starts_us, found.ends_us) == (at(starts), at(ends))


def test_all_has_no_end() -> None:
    """Nor a beginning."""
    assert read_period("all", "", "", NOW, BERLIN) == Period(0, None, "everything")


def test_from_one_word_to_the_end_of_another() -> None:
    """Each may be left out."""
    both = read_period("", "last-month", "last-month", NOW, BERLIN)
    assert both == Period(at("2026-10-01"), at("2026-11-01"))
    assert read_period("", "2026-11-25", "", NOW, BERLIN) == Period(at("2026-11-25"), None)
    assert read_period("", "", "yesterday", NOW, BERLIN) == Period(0, at("2026-11-26"))


def test_days_when_the_clocks_change() -> None:
    """23 and 25 hours; where midnight itself is skipped; where a whole day is."""
    spring = read_period("2026-03-29", "", "", NOW, BERLIN)
    autumn = read_period("2026-10-25", "", "", NOW, BERLIN)
    hours = [(each.ends_us or 0) - each.starts_us for each in (spring, autumn)]
    assert [length // 3_600_000_000 for length in hours] == [23, 25]
    skipped = read_period("2026-03-08", "", "", NOW, HAVANA)
    assert (skipped.ends_us or 0) - skipped.starts_us == 23 * 3_600_000_000
    week = read_period("3d", "", "", at("2011-12-31 12:00", APIA), APIA)
    assert (week.ends_us or 0) - week.starts_us == 2 * 86_400_000_000


@pytest.mark.parametrize(
    "zone",
    ["Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "America/St_Johns"],
)
@given(st.integers(at("2024-01-01"), at("2034-01-01")))
def test_no_day_begins_within_a_quarter_of_an_hour(zone: str, now_us: int) -> None:
    """So that sums by the quarter are exact in every zone."""
    found = read_period("today", "", "", now_us, ZoneInfo(zone))
    assert found.starts_us % QUARTER_US == (found.ends_us or 0) % QUARTER_US == 0
    assert found.starts_us <= now_us < (found.ends_us or 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tomorrow", "", ""), "'tomorrow' is not a period"),
        (("2026-13", "", ""), "not a period"),
        (("2026-02-30", "", ""), "not a period"),
        (("", "7x", ""), "'7x' is not a period"),
        (("9999d", "", "2026-01-01"), "is a whole period, and --since or --until says another"),
        (("", "today", "yesterday"), "begins after --until yesterday ends"),
    ],
)
def test_what_is_no_period_says_how_to_write_one(words: tuple[str, str, str], said: str) -> None:
    """With the way out."""
    with pytest.raises(AgentspendError, match=said) as raised:
        read_period(*words, NOW, BERLIN)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("", "", ""), "this month, 1 – 26 Nov 2026"),
        (("today", "", ""), "today, 26 Nov 2026"),
        (("2026-11", "", ""), "1 – 26 Nov 2026"),
        (("60d", "", ""), "28 Sep – 26 Nov 2026"),
        (("", "2025-12-24", ""), "24 Dec 2025 – 26 Nov 2026"),
        (("last-month", "", ""), "last month, 1 – 31 Oct 2026"),
        (("all", "", ""), "everything, up to 26 Nov 2026"),
        (("12h", "", ""), "since 26 Nov 2026 02:00"),
    ],
)
def test_what_it_is_called(words: tuple[str, str, str], text: str) -> None:
    """The days it has had so far."""
    assert read_period(*words, NOW, BERLIN).text(NOW, BERLIN) == text


def test_a_single_day_is_one_however_it_is_written() -> None:
    """What is shown by default depends on it."""
    one = [word for word in (*WORDS, "1d", "2026-10-25", "7d")
           if read_period(word, "", "", NOW, BERLIN).is_a_day(NOW)]  # fmt: skip
    assert one == ["today", "yesterday", "1d", "2026-10-25"]


def test_days_weeks_and_months_by_name() -> None:
    """In the zone, in any order; and all of them between two."""
    calendar = Calendar(KATHMANDU)
    noon, late = at("2026-12-31 12:00", KATHMANDU), at("2026-12-31 23:59", KATHMANDU)
    assert calendar.name("day", late) == "2026-12-31"
    assert calendar.name("day", late + 60_000_000) == "2027-01-01"
    assert calendar.name("day", noon) == "2026-12-31"
    assert calendar.name("month", noon) == "2026-12"
    assert calendar.name("week", noon) == "2026-W53"
    assert calendar.all_between("day", "2026-12-29", late) == [
        "2026-12-29", "2026-12-30", "2026-12-31",
    ]  # fmt: skip
    assert calendar.all_between("month", "2026-11", late) == ["2026-11", "2026-12"]
    assert datetime.fromtimestamp(late / 1e6, UTC).hour == 18
