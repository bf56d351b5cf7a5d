"""Windows: half-open, contiguous, one for every instant, whatever the clocks do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentspend.core.errors import AgentspendError
from agentspend.core.windows import Span, Window, WindowKind, moment, span, subagents_of

HOUR_US = 3_600_000_000
CALENDAR = (WindowKind.HOUR, WindowKind.DAY, WindowKind.WEEK, WindowKind.MONTH)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of summer time
    "America/Havana",  # midnight is skipped, and comes twice
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Santiago",
    "America/Asuncion",
    "America/Nuuk",
    "Antarctica/Troll",
    "Pacific/Apia",  # lost a whole day in 2011
    "America/St_Johns",  # until 2011 the clock went from 00:01 back to 23:01
    "Pacific/Kiritimati",
)


def us(text: str) -> int:
    """An ISO instant as UTC microseconds."""
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def at(kind: str, text: str, zone: str, session: str = "") -> Span:
    """The span of a window around an ISO instant."""
    return span(Window.parse(kind), us(text), ZoneInfo(zone), session)


def hours(found: Span) -> float:
    """How long a span is."""
    assert found.ends_us is not None
    return (found.ends_us - found.starts_us) / HOUR_US


def neighbours_meet(window: Window, now_us: int, zone: ZoneInfo) -> None:
    """A span holds its moment, ends where the next begins, and shares its key with neither."""
    here = span(window, now_us, zone)
    assert here.ends_us is not None
    assert here.starts_us <= now_us < here.ends_us
    assert span(window, here.starts_us, zone) == here == span(window, here.ends_us - 1, zone)
    after, before = span(window, here.ends_us, zone), span(window, here.starts_us - 1, zone)
    assert after.starts_us == here.ends_us
    assert before.ends_us == here.starts_us
    assert len({before.key, here.key, after.key}) == 3


@given(
    st.sampled_from(CALENDAR),
    st.sampled_from(ZONES),
    st.integers(us("1995-01-01T00:00:00+00:00"), us("2040-01-01T00:00:00+00:00")),
)
@example(WindowKind.DAY, "America/St_Johns", us("2010-11-07T02:45:00+00:00"))
@example(WindowKind.HOUR, "Australia/Lord_Howe", us("2026-04-04T15:10:00+00:00"))
@example(WindowKind.HOUR, "Australia/Lord_Howe", us("2026-10-03T15:40:00+00:00"))
@example(WindowKind.DAY, "Pacific/Apia", us("2011-12-30T10:00:00+00:00"))
def test_every_instant_is_in_exactly_one_span(kind: WindowKind, zone: str, now_us: int) -> None:
    """No instant counts twice or nowhere, and no two spans share an account."""
    neighbours_meet(Window(kind), now_us, ZoneInfo(zone))


def changes(zone: ZoneInfo, year: int) -> list[int]:
    """The instants (µs) at which the clock of a zone moves in a year, to the minute."""
    found = []
    now = datetime(year, 1, 1, tzinfo=UTC)
    while now.year == year:
        then = now + timedelta(hours=6)
        if now.astimezone(zone).utcoffset() != then.astimezone(zone).utcoffset():
            minute = now
            while minute.astimezone(zone).utcoffset() == now.astimezone(zone).utcoffset():
                minute += timedelta(minutes=1)
            found.append(us(minute.isoformat()))
        now = then
    return found


@pytest.mark.parametrize("name", ZONES)
def test_spans_meet_around_every_change_of_the_clock(name: str) -> None:
    """Before, at and after each change, to the microsecond, for this year and the next."""
    zone = ZoneInfo(name)
    for change_us in [*changes(zone, 2026), *changes(zone, 2027)]:
        for quarter in range(-8, 9):
            for nudge in (-1, 0, 1):
                now_us = change_us + quarter * HOUR_US // 4 + nudge
                for kind in CALENDAR:
                    neighbours_meet(Window(kind), now_us, zone)


@pytest.mark.parametrize(
    ("zone", "now", "length"),
    [
        ("Europe/Berlin", "2026-03-29T12:00:00+02:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00:00+01:00", 25),
        ("America/New_York", "2026-03-08T12:00:00-04:00", 23),
        ("America/New_York", "2026-11-01T12:00:00-05:00", 25),
        ("Australia/Lord_Howe", "2026-10-04T12:00:00+11:00", 23.5),
        ("Australia/Lord_Howe", "2026-04-05T12:00:00+10:30", 24.5),
        ("America/Havana", "2026-03-08T12:00:00-04:00", 23),
        ("Africa/Cairo", "2026-04-24T12:00:00+03:00", 23),
        ("Asia/Beirut", "2026-03-29T12:00:00+03:00", 23),
        ("Asia/Kathmandu", "2026-03-29T12:00:00+05:45", 24),
    ],
)
def test_days_have_as_many_hours_as_the_clock_gives_them(
    zone: str, now: str, length: float
) -> None:
    """A daily limit holds for the whole local day, be it 23 or 25 hours."""
    assert hours(at("day", now, zone)) == length


@pytest.mark.parametrize("zone", ["America/Havana", "Africa/Cairo", "Asia/Beirut"])
def test_a_day_without_midnight_begins_when_the_clock_jumps(zone: str) -> None:
    """The last microsecond before the jump is yesterday, the jump itself today."""
    for change_us in changes(ZoneInfo(zone), 2026):
        local = moment(change_us).astimezone(ZoneInfo(zone))
        here = span(Window(WindowKind.DAY), change_us, ZoneInfo(zone))
        if local.hour == 1:
            assert (here.starts_us, here.key) == (change_us, local.date().isoformat())


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    """Berlin's 02:30 in October: each passing has its own money, told apart by its offset."""
    first = at("hour", "2026-10-25T02:30:00+02:00", "Europe/Berlin")
    second = at("hour", "2026-10-25T02:30:00+01:00", "Europe/Berlin")
    assert (first.key, second.key) == ("2026-10-25T02+0200", "2026-10-25T02+0100")
    assert first.ends_us == second.starts_us


def test_an_hour_cut_by_the_clock_is_two_spans() -> None:
    """Lord Howe's summer time ends by half an hour: 01:30 to 02:00 comes again on its own."""
    whole = at("hour", "2026-04-05T01:10:00+11:00", "Australia/Lord_Howe")
    half = at("hour", "2026-04-05T01:40:00+10:30", "Australia/Lord_Howe")
    assert (hours(whole), hours(half)) == (1, 0.5)
    assert whole.key != half.key


def test_a_clock_set_back_over_midnight_does_not_reopen_yesterday() -> None:
    """St John's, 2010: the second 23:30 of the day before already counts in the new day."""
    second = at("day", "2010-11-06T23:30:00-03:30", "America/St_Johns")
    assert second.key == "2010-11-07"


@pytest.mark.parametrize(
    ("kind", "key", "starts", "ends"),
    [
        ("hour", "2026-11-25T13+0100", "2026-11-25T13:00:00+01:00", "2026-11-25T14:00:00+01:00"),
        ("day", "2026-11-25", "2026-11-25T00:00:00+01:00", "2026-11-26T00:00:00+01:00"),
        ("week", "2026-W48", "2026-11-23T00:00:00+01:00", "2026-11-30T00:00:00+01:00"),
        ("month", "2026-11", "2026-11-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00"),
    ],
)
def test_calendar_windows_are_those_of_the_zone(
    kind: str, key: str, starts: str, ends: str
) -> None:
    """Hours, days, weeks from Monday and months, as the wall in Berlin shows them."""
    found = at(kind, "2026-11-25T13:30:00+01:00", "Europe/Berlin")
    assert found == Span(key, us(starts), us(ends))


def test_the_week_around_new_year_is_one_week() -> None:
    """1 January 2027 is a Friday of 2026's last week."""
    assert at("week", "2027-01-01T12:00:00+00:00", "UTC").key == "2026-W53"


def test_sessions_and_totals_never_end() -> None:
    """Each session has its own account; requests without one share theirs."""
    then = "2026-01-01T00:00:00+00:00"
    one = Span("session:s_1", 0, None, (("session", "s_1"),))
    assert at("session", then, "UTC", "s_1") == one
    assert at("session", then, "UTC") == Span("session:", 0, None, (("session", ""),))
    assert at("total", then, "UTC", "s_1") == Span("total", 0, None)


def test_each_subagent_of_each_session_has_its_own_account() -> None:
    """Two sessions may call theirs the same."""
    window, zone = Window.parse("subagent"), ZoneInfo("UTC")
    found = {span(window, 0, zone, session, agent) for session in "ab" for agent in ("x", "y", "")}
    assert len({each.key for each in found}) == 6
    one = span(window, 0, zone, "a", "x")
    assert one.key.startswith(subagents_of("a"))
    assert one.who == (("session", "a"), ("subagent", "x"))


@pytest.mark.parametrize(
    ("text", "velocity"), [("1m", True), ("60m", True), ("1h", True), ("61m", False), ("5h", False),
                           ("hour", False), ("session", False)],
)  # fmt: skip
def test_a_rolling_hour_or_less_caps_the_velocity(text: str, *, velocity: bool) -> None:
    """A clock hour does not roll."""
    assert Window.parse(text).is_velocity is velocity


def test_a_rolling_window_reaches_back_its_length_from_now() -> None:
    """One account that moves; to the microsecond."""
    now_us = us("2026-11-25T13:30:00+01:00") + 7
    found = span(Window.parse("5h"), now_us, ZoneInfo("Europe/Berlin"))
    assert found == Span("rolling", now_us - 5 * HOUR_US, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("day", "day"),
        (" Month ", "month"),
        ("rolling 5h", "rolling 5h"),
        ("90m", "rolling 90m"),
        ("24h", "rolling 1d"),
        ("9999m", "rolling 9999m"),
        ("9999h", "rolling 9999h"),
        ("9999d", "rolling 9999d"),
    ],
)
def test_a_window_reads_back_what_it_says(text: str, said: str) -> None:
    """The text in a ledger entry means the same window."""
    window = Window.parse(text)
    assert window.text() == said
    assert Window.parse(window.text()) == window


@pytest.mark.parametrize(
    "text", ["", "rolling", "0h", "rolling 0d", "5", "5w", "-5h", "1.5h", "10000d", "yearly"]
)
def test_what_is_no_window_is_refused_with_the_known_ones(text: str) -> None:
    """The hint lists what can be written."""
    with pytest.raises(AgentspendError, match="not a window") as raised:
        Window.parse(text)
    assert "rolling length" in raised.value.hint


@given(st.integers(-(10**15), 10**16))
def test_a_moment_is_exact_to_the_microsecond(now_us: int) -> None:
    """No float comes between the ledger and the clock."""
    assert (moment(now_us) - moment(0)) // timedelta(microseconds=1) == now_us
