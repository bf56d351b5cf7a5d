"""How much of the server's disk a device may fill: so many entries a day, and a week's at once for
one that was away. A good signature says whose entries they are, not that there is an end to them.

Pure. What is refused stays on the device, which sends it again; nothing of it is lost.
"""

from math import ceil

from agentspend.core.errors import AgentspendError
from sync_server.allowance.desk import Outcome

DAY_US = 86_400_000_000
SAVED_DAYS = 7
ENTRY_BYTES = 1_024
"""A longer entry counts as several. Ours have a third of that."""


class TooMuch(AgentspendError):
    """This device reports more than work makes. `wait_s`: how long until this report is taken."""

    def __init__(self, per_day: int, wait_s: int) -> None:
        super().__init__(
            f"this device reports more than is taken of one ({per_day:,} entries a day, a week's at"
            " once): the rest stays on it and is taken later",
            "if its work makes so many, a lead raises entries_per_day in server.toml",
        )
        self.wait_s = wait_s


def weight(outcome: Outcome, sent_bytes: int) -> int:
    """What a report adds to the disk, in entries: its own, the grants it brought, the receipt. Of a
    ledger that contradicts itself the whole report is kept."""
    if not (outcome.entries or outcome.journal or outcome.forked):
        return 0
    kept_bytes = [sent_bytes] if outcome.forked else [len(body) for body, _, _ in outcome.entries]
    longer = sum([size // ENTRY_BYTES for size in kept_bytes])
    return 1 + len(outcome.entries) + longer + len(outcome.journal)


def taken(full_us: int, entries: int, now_us: int, per_day: int) -> int:
    """When a device has its whole share again, once so much more is taken from it; `full_us` is
    when it would have had. Raises `TooMuch`. `per_day` 0 is any number."""
    if not (per_day and entries):
        return full_us
    after_us = max(_by_this_clock(full_us, now_us), now_us) + entries * DAY_US // per_day
    too_late_us = after_us - now_us - SAVED_DAYS * DAY_US
    if too_late_us > 0:
        raise TooMuch(per_day, ceil(too_late_us / 1_000_000))
    return after_us


def is_nearly_full(full_us: int, now_us: int) -> bool:
    """Whether a device has used up nearly all of its share."""
    return _by_this_clock(full_us, now_us) - now_us > (SAVED_DAYS - 1) * DAY_US


def _by_this_clock(full_us: int, now_us: int) -> int:
    """A moment farther away than all that is ever taken at once was noted by a clock that ran
    ahead, before it was set right: nobody is to wait for it."""
    return full_us if full_us <= now_us + SAVED_DAYS * DAY_US else now_us
