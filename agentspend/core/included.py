"""What a subscription's login includes: the provider's own windows, and where paid use begins.

Pure: a window is what the provider said last, on an answer. Shares are basis points (10,000 is all
that is included), moments UTC microseconds. Nothing here is money of ours.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ALL_BP = 10_000
PAID_OVERAGE = "overage"
_NAME = re.compile(r"(\d{1,5})([mhd])")
_UNIT_US = {"m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_SHORTEST_US = 5 * _UNIT_US["h"]
_CALLED = {"1d": "day", "7d": "week", "30d": "month", PAID_OVERAGE: "paid overage"}
_UNITS = {"m": "minute", "h": "hour", "d": "day"}


class Stand(StrEnum):
    """How a window stands, by the provider's word: `paid` means that its answers cost money."""

    OPEN = "open"
    NEAR = "near"
    USED_UP = "used_up"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class IncludedWindow:
    """One window of one login. `name` is its length ("5h", "7d") or "overage".

    `account` is a short HMAC, never an account's id. `model` is set where the window is of that
    model alone. `used_bp` and `resets_us` are None where the provider did not say.
    """

    provider: str
    account: str
    name: str
    model: str
    stand: Stand
    used_bp: int | None
    resets_us: int | None
    seen_us: int

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a newer word about the same window replaces."""
        return self.provider, self.account, self.name, self.model

    @property
    def ends_us(self) -> int:
        """When the window starts anew; by its length where the provider did not say."""
        if self.resets_us is not None:
            return self.resets_us
        return self.seen_us + (length_us(self.name) or _SHORTEST_US)

    def stops(self, at_bp: int) -> bool:
        """Whether a request under it could cost money, `at_bp` being the share that is enough."""
        if self.stand in (Stand.USED_UP, Stand.PAID):
            return True
        return self.used_bp is not None and self.used_bp >= at_bp


def length_us(name: str) -> int | None:
    """How long a window of this name is; None when its name does not say."""
    found = _NAME.match(name)
    return int(found[1]) * _UNIT_US[found[2]] if found else None


def called(window: IncludedWindow) -> str:
    """The window in words: "5-hour window", "week", "week of claude-opus-5"."""
    found = _NAME.match(window.name)
    if found is None:
        words = _CALLED.get(window.name, f"{window.name} window")
    else:
        words = _CALLED.get(found[0], f"{int(found[1])}-{_UNITS[found[2]]} window")
    return f"{words} of {window.model}" if window.model else words


def percent_text(used_bp: int | None) -> str:
    """A share as people read it, never rounded up: "62 %"; "?" when it is not known."""
    return "?" if used_bp is None else f"{used_bp // 100} %"


def stopping(
    windows: Iterable[IncludedWindow], model: str, at_bp: int, now_us: int
) -> IncludedWindow | None:
    """The window that keeps a request for this model from being included; None when none does.

    Of several, the one that stops the longest; of equals, the one that says money is paid.
    """
    found = [
        window
        for window in windows
        if window.model in ("", model) and window.ends_us > now_us and window.stops(at_bp)
    ]
    return max(found, key=lambda each: (each.ends_us, each.stand is Stand.PAID), default=None)


def merged(
    known: Iterable[IncludedWindow], said: Iterable[IncludedWindow]
) -> dict[tuple[str, str, str, str], IncludedWindow]:
    """What is known of one account after an answer said this: newer words replace older ones.

    Paid overage is over when an answer no longer speaks of it.
    """
    fresh = {window.key: window for window in said}
    if not fresh:
        return {window.key: window for window in known}
    kept = {window.key: window for window in known if window.name != PAID_OVERAGE}
    return {**kept, **fresh}
