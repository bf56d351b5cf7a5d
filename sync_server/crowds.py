"""How many devices share the pools: counted anew every few seconds, not at every report.

A count reads every device, and only the size of grants depends on it, never a cap.
"""

from collections.abc import Callable

from sync_server.sizing import Crowd

RECOUNT_US = 10_000_000


class Crowds:
    """The last count, and when it was made."""

    def __init__(self) -> None:
        self._found = Crowd(0, 0)
        self._at_us = -RECOUNT_US

    def at(self, now_us: int, count: Callable[[], tuple[int, int]]) -> Crowd:
        """The count, `count`ed again when it is old; (enrolled, active)."""
        if not self._at_us <= now_us < self._at_us + RECOUNT_US:
            self._found, self._at_us = Crowd(*count()), now_us
        return self._found

    def forget(self) -> None:
        """Somebody joined or left."""
        self._at_us = -RECOUNT_US
