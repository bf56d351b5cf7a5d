"""Moments and durations in words people use."""

from datetime import datetime, timedelta, tzinfo

from agentspend.core.windows import moment


def in_text(seconds: int) -> str:
    """A duration, coarse on purpose: "45 s", "12 min", "9 h 27 min", "6 d"."""
    if seconds < 60:
        return f"{max(0, seconds)} s"
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if hours < 1:
        return f"{minutes} min"
    if days < 2:
        rest = minutes % 60
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{days} d"


def resets_text(resets_us: int, now: datetime, zone: tzinfo) -> str:
    """A coming moment: "tonight 00:00 (in 9 h 27 min)", "Tue 1 Dec 00:00 (in 6 d)"."""
    at = moment(resets_us).astimezone(zone)
    left = in_text((at - now) // timedelta(seconds=1))
    local = now.astimezone(zone)
    if at.date() == local.date():
        day = "today"
    elif at.date() == local.date() + timedelta(days=1):
        day = "tonight" if at.hour < 4 else "tomorrow"
    else:
        day = f"{at:%a} {at.day} {at:%b}"
    return f"{day} {at:%H:%M} (in {left})"
