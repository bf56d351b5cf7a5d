"""How many devices share the pools: counted anew every few seconds, not at every report.

A count reads every device, and only the size of grants depends on it, never a cap.
"""

from collections.abc import Callable

from sync_server.allowance.sizing import Crowd

RECOUNT_US = 10_000_000
KEPT = 10_000


class Crowds:
    """The last count of each crowd, and when it was made."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, Crowd]] = {}

    def at(self, now_us: int, whose: str, count: Callable[[], tuple[int, int]]) -> Crowd:
        """A crowd, `count`ed again when that was long ago; (enrolled, active)."""
        at_us, crowd = self._found.get(whose, (-RECOUNT_US, Crowd(0, 0)))
        if not at_us <= now_us < at_us + RECOUNT_US:
            if len(self._found) >= KEPT:
                self._found.clear()
            crowd = Crowd(*count())
            self._found[whose] = (now_us, crowd)
        return crowd

    def forget(self) -> None:
        """Somebody joined or left."""
        self._found.clear()
