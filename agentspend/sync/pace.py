"""When a device talks to its team server again, if nothing happens before. Pure.

Whoever waits for allowance, and whatever the server pushes, makes it talk at once.
"""

REPORT_EVERY_S = 900
"""What was spent is told within a quarter of an hour; when nothing was, half an hour may pass."""
FIRST_AGAIN_S, LAST_AGAIN_S = 2.0, 300.0
LINE_AGAIN_S = 60.0
"""The server can be reached, and says nothing of its own accord: not for longer than this."""


class Pace:
    """How the last talk went, and so when the next one is due, in seconds."""

    def __init__(self) -> None:
        self._again_s = FIRST_AGAIN_S
        self._skipped = False
        self._calm = False

    def answered(self, again_us: int = 0) -> float:
        """The server has answered; there is more to be said after `again_us`."""
        self._again_s = FIRST_AGAIN_S
        self._skipped, self._calm = False, not again_us
        return again_us / 1_000_000 if again_us else REPORT_EVERY_S

    def silent(self) -> float:
        """It cannot be reached: again soon, then less and less often."""
        self._calm = False
        wait_s, self._again_s = self._again_s, min(LAST_AGAIN_S, self._again_s * 2)
        return wait_s

    def refused(self) -> float:
        """It understood and said no."""
        self._calm = False
        return LAST_AGAIN_S

    def may_skip(self, queued: int) -> bool:
        """The time has come, and `queued` entries wait to be reported: may this talk be left out,
        and the same time pass once more?"""
        skips = self._calm and not self._skipped and queued == 0
        self._skipped = skips
        return skips


class LinePace:
    """When a line that broke is opened again, in seconds."""

    def __init__(self) -> None:
        self._again_s = FIRST_AGAIN_S

    def broke(self, events: int) -> float:
        """So many events came on it: soon after one that was of use, else less and less often."""
        if events > 1:
            self._again_s = FIRST_AGAIN_S
        wait_s, self._again_s = self._again_s, min(LAST_AGAIN_S, self._again_s * 2)
        return min(wait_s, LINE_AGAIN_S) if events else wait_s
