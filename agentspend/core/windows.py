"""When a budget starts anew: sessions, calendar windows in a zone, rolling windows, never.

Pure: the moment (UTC microseconds) and the zone are arguments. Calendar windows are worked out in
local time and kept as UTC instants, half-open, so days of 23 and 25 hours come out right.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from agentspend.core.errors import AgentspendError

_ROLLING = re.compile(r"(?:rolling\s+)?(\d{1,4})\s*([mhd])")
_UNIT_S = {"m": 60, "h": 3_600, "d": 86_400}
_MEANT = {"hourly": "hour", "daily": "day", "today": "day", "weekly": "week", "monthly": "month",
          "ever": "total", "forever": "total", "all": "total", "run": "session"}  # fmt: skip
"""What people write, and the window they mean: said, not guessed."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR_US = 3_600_000_000
LONGEST_VELOCITY_S = 3_600
"""Up to here a rolling window is a velocity cap: it slows down, and refuses only for a while."""

QUARTER_US = 900_000_000
"""The clocks of all zones differ by whole quarters of an hour, so that no day begins within one."""


class WindowKind(StrEnum):
    """The kinds of windows a budget can have."""

    SESSION = "session"
    SUBAGENT = "subagent"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ROLLING = "rolling"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Window:
    """How often a budget starts anew. `length_s` is the length of a rolling window, else 0."""

    kind: WindowKind
    length_s: int = 0

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read "day", "month", "session", "subagent", "total", "rolling 5h" or just "5h"."""
        word = text.strip().lower()
        if word in set(WindowKind) - {WindowKind.ROLLING}:
            return cls(WindowKind(word))
        found = _ROLLING.fullmatch(word)
        if found and int(found[1]) > 0:
            return cls(WindowKind.ROLLING, int(found[1]) * _UNIT_S[found[2]])
        known = "use session, subagent, hour, day, week, month, total, or a rolling length: 5h, 7d"
        hint = f"did you mean {_MEANT[word]}?" if word in _MEANT else known
        raise AgentspendError(f"{text!r} is not a window", hint)

    @property
    def is_velocity(self) -> bool:
        """Whether a budget of this window caps how fast money is spent."""
        return self.kind is WindowKind.ROLLING and self.length_s <= LONGEST_VELOCITY_S

    def text(self) -> str:
        """The window as `parse` reads it: "month", "rolling 5h"."""
        if self.kind is not WindowKind.ROLLING:
            return self.kind.value
        for unit in "dhm":
            if self.length_s % _UNIT_S[unit] == 0:
                return f"rolling {self.length_s // _UNIT_S[unit]}{unit}"
        raise AssertionError(self.length_s)


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of a window: from `starts_us` up to, not including, `ends_us` (None: open).

    `who` are the attributes of a payer that all its charges share: a session's, a subagent's.
    """

    key: str
    starts_us: int
    ends_us: int | None
    who: tuple[tuple[str, str], ...] = ()


def span(window: Window, now_us: int, zone: tzinfo, session: str = "", subagent: str = "") -> Span:
    """The stretch of a window that contains a moment."""
    match window.kind:
        case WindowKind.SESSION:
            return Span(f"session:{session}", 0, None, (("session", session),))
        case WindowKind.SUBAGENT:
            who = (("session", session), ("subagent", subagent))
            return Span(f"{subagents_of(session)}{subagent}", 0, None, who)
        case WindowKind.TOTAL:
            return Span("total", 0, None)
        case WindowKind.ROLLING:
            return Span("rolling", now_us - window.length_s * 1_000_000, None)
        case WindowKind.HOUR:
            return _hour(now_us, zone)
        case WindowKind.DAY | WindowKind.WEEK | WindowKind.MONTH:
            return _calendar(window.kind, now_us, zone)


def subagents_of(session: str) -> str:
    """What the keys of all spans of a session's subagents begin with, and those of no other."""
    return f"subagent:{len(session)}:{session}:"


def _hour(now_us: int, zone: tzinfo) -> Span:
    """The clock hour: an hour that comes twice in autumn is two spans, told apart by offset.

    Where the clock moves within an hour (Lord Howe, by half an hour), the span ends there.
    """
    now = moment(now_us).astimezone(zone)
    into_hour = timedelta(minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
    starts = now_us - into_hour // _MICROSECOND
    ends = starts + _HOUR_US
    offset = now.utcoffset()

    def same(at_us: int) -> bool:
        return moment(at_us).astimezone(zone).utcoffset() == offset

    if not same(starts):
        starts = _first(same, starts, now_us)
    if not same(ends - 1):
        ends = _first(lambda at_us: not same(at_us), now_us, ends - 1)
    return Span(now.strftime("%Y-%m-%dT%H%z"), starts, ends)


def _calendar(kind: WindowKind, now_us: int, zone: tzinfo) -> Span:
    today = moment(now_us).astimezone(zone).date()
    if now_us >= _midnight_us(today + timedelta(days=1), zone):
        today += timedelta(days=1)
    if kind is WindowKind.DAY:
        first, after, key = today, today + timedelta(days=1), today.isoformat()
    elif kind is WindowKind.WEEK:
        first = today - timedelta(days=today.weekday())
        year, week, _ = today.isocalendar()
        after, key = first + timedelta(days=7), f"{year}-W{week:02d}"
    else:
        first = today.replace(day=1)
        after, key = (first + timedelta(days=32)).replace(day=1), f"{first:%Y-%m}"
    return Span(key, _midnight_us(first, zone), _midnight_us(after, zone))


def _midnight_us(day: date, zone: tzinfo) -> int:
    """The first instant of a local day.

    Where midnight comes twice it is the earlier one (so a clock set back over midnight does not
    reopen the day before); where it is skipped, the moment the clock jumped over it.
    """

    def begun(at_us: int) -> bool:
        return moment(at_us).astimezone(zone).date() >= day

    readings = (datetime.combine(day, time(fold=fold), zone) for fold in (0, 1))
    early, late = sorted((reading - _EPOCH) // _MICROSECOND for reading in readings)
    return early if begun(early) else _first(begun, early, late)


def _first(holds: Callable[[int], bool], not_yet: int, already: int) -> int:
    """The first moment of a change known to lie after `not_yet` and not after `already`."""
    while already - not_yet > 1:
        middle = (not_yet + already) // 2
        if holds(middle):
            already = middle
        else:
            not_yet = middle
    return already


def moment(now_us: int) -> datetime:
    """UTC microseconds as an aware datetime, exactly."""
    return _EPOCH + timedelta(microseconds=now_us)
