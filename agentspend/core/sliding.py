"""What was used in the last minute: a sum that slides, and when more will fit.

Pure: moments are monotonic µs. Uses within a tenth of a second are kept as one, at the moment of
the last of them, so that a busy counter stays small and nothing is forgotten early.
"""

from collections import deque

MINUTE_US = 60_000_000
GRAIN_US = 100_000


class Use:
    """Uses that are kept as one: the last one's moment, the first one's, and how much."""

    __slots__ = ("amount", "at_us", "since_us")

    def __init__(self, now_us: int) -> None:
        self.at_us = self.since_us = now_us
        self.amount = 0


class LastMinute:
    """A sum over the last minute."""

    __slots__ = ("_uses", "used")

    def __init__(self) -> None:
        self._uses: deque[Use] = deque()
        self.used = 0

    def add(self, now_us: int, amount: int) -> Use:
        """Count this much from now on; what is returned can be lowered by `lower`."""
        self.roll(now_us)
        last = self._uses[-1] if self._uses else None
        if last is None or now_us - last.since_us >= GRAIN_US:
            last = Use(now_us)
            self._uses.append(last)
        last.at_us = now_us
        last.amount += amount
        self.used += amount
        return last

    def lower(self, now_us: int, use: Use, amount: int) -> None:
        """Take back so much of a use; of one that has slid out nothing is left to take."""
        self.roll(now_us)
        if use.at_us + MINUTE_US > now_us:
            use.amount -= amount
            self.used -= amount

    def roll(self, now_us: int) -> None:
        """Forget what is older than a minute."""
        uses = self._uses
        while uses and uses[0].at_us + MINUTE_US <= now_us:
            self.used -= uses.popleft().amount

    def fits_in_us(self, now_us: int, amount: int, limit: int) -> int:
        """How long until so much more fits, 0: now. More than the limit fits when nothing is used.

        That is what lets a request pass whose bound alone is above the limit.
        """
        self.roll(now_us)
        surplus = min(self.used, self.used + amount - limit)
        if surplus <= 0:
            return 0
        for use in self._uses:
            surplus -= use.amount
            if surplus <= 0:
                return use.at_us + MINUTE_US - now_us
        raise AssertionError("the uses are the sum")
