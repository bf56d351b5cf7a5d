"""When a budget starts anew: sessions, calendar windows in a zone, rolling windows, never.

Pure: the moment (UTC microseconds) and the zone are arguments. Calendar windows are worked out in
local time and kept as UTC instants, half-open, so days of 23 and 25 hours come out right.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from agentspend.core.errors import AgentspendError

_ROLLING = re.compile(r"(?:rolling\s+)?(\d{1,4})\s*([mhd])")
_UNIT_S = {"m": 60, "h": 3_600, "d": 86_400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class WindowKind(StrEnum):
    """The kinds of windows a budget can have."""

    SESSION = "session"
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
        """Read "day", "month", "session", "total", "rolling 5h" or just "5h"."""
        word = text.strip().lower()
        if word in set(WindowKind) - {WindowKind.ROLLING}:
            return cls(WindowKind(word))
        found = _ROLLING.fullmatch(word)
        if found and int(found[1]) > 0:
            return cls(WindowKind.ROLLING, int(found[1]) * _UNIT_S[found[2]])
        raise AgentspendError(
            f"{text!r} is not a window",
            "use session, hour, day, week, month, total, or a rolling length such as 5h or 7d",
        )

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
    """One stretch of a window: from `starts_us` up to, not including, `ends_us` (None: open)."""

    key: str
    starts_us: int
    ends_us: int | None


def span(window: Window, now_us: int, zone: tzinfo, session: str = "") -> Span:
    """The stretch of a window that contains a moment."""
    match window.kind:
        case WindowKind.SESSION:
            return Span(f"session:{session}", 0, None)
        case WindowKind.TOTAL:
            return Span("total", 0, None)
        case WindowKind.ROLLING:
            return Span("rolling", now_us - window.length_s * 1_000_000, None)
        case WindowKind.HOUR:
            return _hour(now_us, zone)
        case WindowKind.DAY | WindowKind.WEEK | WindowKind.MONTH:
            return _calendar(window.kind, now_us, zone)


def _hour(now_us: int, zone: tzinfo) -> Span:
    """The clock hour: an hour that comes twice in autumn is two spans, told apart by offset."""
    now = moment(now_us).astimezone(zone)
    into_hour = timedelta(minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
    starts = now_us - into_hour // _MICROSECOND
    local = moment(starts).astimezone(zone)
    return Span(local.strftime("%Y-%m-%dT%H%z"), starts, starts + 3_600_000_000)


def _calendar(kind: WindowKind, now_us: int, zone: tzinfo) -> Span:
    today = moment(now_us).astimezone(zone).date()
    if kind is WindowKind.DAY:
        first, after, key = today, today + timedelta(days=1), today.isoformat()
    elif kind is WindowKind.WEEK:
        first = today - timedelta(days=today.weekday())
        year, week, _ = today.isocalendar()
        after, key = first + timedelta(days=7), f"{year}-W{week:02d}"
    else:
        first = today.replace(day=1)
        after, key = (first + timedelta(days=32)).replace(day=1), f"{first:%Y-%m}"
    return Span(key, _midnight_us(first.isoformat(), zone), _midnight_us(after.isoformat(), zone))


def _midnight_us(date: str, zone: tzinfo) -> int:
    """The instant a local day begins; where midnight is skipped, the first instant after it."""
    local = datetime.fromisoformat(date).replace(tzinfo=zone)
    instant = local.astimezone(UTC)
    back = instant.astimezone(zone)
    if back.date().isoformat() < date:
        raise AssertionError(f"{date} has no beginning in {zone}")
    return (instant - _EPOCH) // _MICROSECOND


def moment(now_us: int) -> datetime:
    """UTC microseconds as an aware datetime, exactly."""
    return _EPOCH + timedelta(microseconds=now_us)
