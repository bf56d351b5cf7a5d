"""The stretch of time a report is about: `today`, `7d`, `last-month`, `2026-11`, `2026-11-25`.

Whole days in a zone, kept as UTC microseconds, half-open. Pure: the moment and the zone are
arguments; days of 23 and 25 hours come out right (`core.windows`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from agentspend.core.errors import AgentspendError
from agentspend.core.windows import QUARTER_US, Span, Window, WindowKind, moment, span

DAY = Window(WindowKind.DAY)
WEEK = Window(WindowKind.WEEK)
MONTH = Window(WindowKind.MONTH)
USUAL = "this-month"
"""What is shown where nothing is asked for: what a provider's next invoice will say so far."""
WORDS = ("today", "yesterday", "this-week", "last-week", "this-month", "last-month", "all")
EXAMPLES = (*WORDS, "7d", "30d", "4w")
HOUR_US = 3_600_000_000
LONGEST_DAY_US = 26 * HOUR_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH = re.compile(r"(\d{1,4})([hdw])")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_CALENDAR = {"day": DAY, "week": WEEK, "month": MONTH}
_NAMED = {"today": (DAY, 0), "yesterday": (DAY, 1), "this-week": (WEEK, 0), "last-week": (WEEK, 1),
          "this-month": (MONTH, 0), "last-month": (MONTH, 1)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """From `starts_us` up to, not including, `ends_us` (None: open). `name` is "" or a word for it:
    "this month"."""

    starts_us: int
    ends_us: int | None
    name: str = ""

    def is_a_day(self, now_us: int) -> bool:
        """Whether it lies within one day, as far as that has come."""
        ends_us = now_us if self.ends_us is None else self.ends_us
        return ends_us - self.starts_us <= LONGEST_DAY_US

    def text(self, now_us: int, zone: tzinfo) -> str:
        """`this month, 1 – 26 Nov 2026`: the days it has had so far."""
        last_us = now_us if self.ends_us is None else min(self.ends_us - 1, now_us)
        first, last = _day_of(self.starts_us, zone), _day_of(last_us, zone)
        begins = moment(self.starts_us).astimezone(zone)
        if self.starts_us == 0:
            days = f"up to {_day_text(last)}"
        elif begins.hour or begins.minute:
            days = f"since {_day_text(first)} {begins:%H:%M}"
        elif first >= last:
            days = _day_text(first)
        elif (first.year, first.month) == (last.year, last.month):
            days = f"{first.day} – {_day_text(last)}"
        elif first.year == last.year:
            days = f"{first.day} {first:%b} – {_day_text(last)}"
        else:
            days = f"{_day_text(first)} – {_day_text(last)}"
        return f"{self.name}, {days}" if self.name else days


def read_period(word: str, since: str, until: str, now_us: int, zone: tzinfo) -> Period:
    """The period of a word, or from the beginning of one to the end of another.

    Without any it is `USUAL`; without an end it is open. Raises `AgentspendError` for a word that
    is none, and for a beginning after the end.
    """
    if word and (since or until):
        raise AgentspendError(
            f"{word!r} is a whole period, and --since or --until says another",
            "give one of both: agentspend report last-month",
        )
    if not (since or until):
        word = word or USUAL
        found = _stretch(word, now_us, zone)
        name = word.replace("-", " ") if word in WORDS else ""
        return ALWAYS if word == "all" else Period(found.starts_us, found.ends_us, name)
    starts_us = _stretch(since, now_us, zone).starts_us if since else 0
    ends_us = _stretch(until, now_us, zone).ends_us if until else None
    if ends_us is not None and starts_us >= ends_us:
        raise AgentspendError(
            f"--since {since} begins after --until {until} ends", "turn them round"
        )
    return Period(starts_us, ends_us)


ALWAYS = Period(0, None, "everything")


class Calendar:
    """The day, week or month that a moment is in, by name: `2026-11-25`, `2026-W48`, `2026-11`.

    The last answer is kept: moments in their order are found quickly.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[str, Span] = {}

    def name(self, unit: str, at_us: int) -> str:
        """The name of the "day", "week" or "month"."""
        return self.stretch(unit, at_us).key

    def stretch(self, unit: str, at_us: int) -> Span:
        """Where it begins and ends."""
        found = self._known.get(unit)
        if found is None or not found.starts_us <= at_us < (found.ends_us or 0):
            found = span(_CALENDAR[unit], at_us, self._zone)
            self._known[unit] = found
        return found

    def all_between(self, unit: str, first: str, last_us: int) -> list[str]:
        """The names of all of them from one up to the one that holds a moment."""
        names, at_us = [self.name(unit, last_us)], last_us
        while names[-1] > first:
            at_us = self.stretch(unit, at_us).starts_us - 1
            names.append(self.name(unit, at_us))
        return names[::-1]


def _stretch(word: str, now_us: int, zone: tzinfo) -> Span:
    """What one word says: from when, up to when."""
    if word == "all":
        return Span(word, 0, None)
    if word in _NAMED:
        window, back = _NAMED[word]
        found = span(window, now_us, zone)
        return span(window, found.starts_us - 1, zone) if back else found
    if length := _LENGTH.fullmatch(word):
        return _last(int(length[1]), length[2], now_us, zone)
    if month := _MONTH.fullmatch(word):
        return _dated(lambda: date(int(month[1]), int(month[2]), 1), MONTH, word, zone)
    return _dated(lambda: date.fromisoformat(word), DAY, word, zone)


def _last(count: int, unit: str, now_us: int, zone: tzinfo) -> Span:
    """So many hours back from now, in whole quarters; or so many days, today as the last."""
    today = span(DAY, now_us, zone)
    if unit == "h":
        starts_us = (now_us - count * HOUR_US) // QUARTER_US * QUARTER_US
        return Span(unit, starts_us, today.ends_us)
    days = max(1, count * (7 if unit == "w" else 1))
    first = _day_of(now_us, zone) - timedelta(days=days - 1)
    return Span(unit, _begins(first, DAY, zone).starts_us, today.ends_us)


def _dated(made: Callable[[], date], window: Window, word: str, zone: tzinfo) -> Span:
    try:
        return _begins(made(), window, zone)
    except (ValueError, OverflowError):
        raise AgentspendError(
            f"{word!r} is not a period",
            f"use {', '.join(WORDS)}, a length such as 7d or 12h, a month (2026-11), or a day"
            " (2026-11-25)",
        ) from None


def _begins(day: date, window: Window, zone: tzinfo) -> Span:
    """The day, or the month, that holds a date's noon."""
    noon = datetime.combine(day, time(12), zone)
    return span(window, (noon - _EPOCH) // _MICROSECOND, zone)


def _day_of(at_us: int, zone: tzinfo) -> date:
    return moment(at_us).astimezone(zone).date()


def _day_text(day: date) -> str:
    return f"{day.day} {day:%b} {day.year}"
