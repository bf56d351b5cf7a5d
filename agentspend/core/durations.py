"""Lengths of time as people coming from LiteLLM write them: `1d`, `24h`, `7d`, `1mo`, `monthly`.

A budget's duration becomes one of our windows: whole days, weeks and months are calendar windows,
as they are there (`30d` is the calendar month, `7d` the week from Monday).
"""

import re

from agentspend.core.errors import AgentspendError
from agentspend.core.windows import Window

_LENGTH = re.compile(r"(\d{1,4})\s*(s|m|h|d|w|mo)")
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "mo": 2_592_000}
_CALENDAR = {
    "hourly": "hour", "1h": "hour",
    "daily": "day", "1d": "day", "24h": "day",
    "weekly": "week", "1w": "week", "7d": "week",
    "monthly": "month", "1mo": "month", "30d": "month",
}  # fmt: skip


def window_of(duration: str) -> Window:
    """The window of a budget that starts anew every `duration`; "" is for ever (`total`)."""
    word = duration.strip().lower()
    if not word:
        return Window.parse("total")
    if word in _CALENDAR:
        return Window.parse(_CALENDAR[word])
    weeks = re.fullmatch(r"(\d{1,3})w", word)
    try:
        return Window.parse(f"{int(weeks[1]) * 7}d" if weeks else word)
    except AgentspendError as error:
        raise AgentspendError(
            f"{duration!r} is not how often a budget starts anew",
            "write 1d, 7d or 1mo for the calendar's day, week or month, or a length such as 5h",
        ) from error


def length_s(text: str) -> int:
    """A length of time in seconds: `24h`, `90d`, `2w`; a month (`1mo`) is 30 days."""
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise AgentspendError(f"{text!r} is not a length of time", "write it like 24h, 90d or 6mo")
    return int(found[1]) * _UNIT_S[found[2]]
