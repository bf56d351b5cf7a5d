"""How fast anyone may knock: token buckets by name, forgotten when they are full again."""

from collections import OrderedDict
from collections.abc import Callable
from math import ceil

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
MOST = {
    "device": 60,
    "look": 60,
    "person": 60,
    "address": 1_200,
    "invite": 5,
    "token": 20,
    "bell": 1,
    "recall": 2,
    "reader": 30,
    "hello": 20,
    "flood": 1,
    "behind": 1,
}
"""In a minute: a device's reports; its looks at the team; what people ask from it; all that comes
from one address; its wrong invite codes; its wrong tokens; how often everybody is asked to report
because a lead looks, and a device to give back what others need; what a token that is no lead's
reads (each report takes the time of many devices' reports). In an hour: how often a device
begins a new ledger. In a day: how often the leads are told that one fills the disk, or that it
knows what the server has forgotten."""
WITHIN_S = {"hello": HOUR_S, "flood": DAY_S, "behind": DAY_S}
INVITES_PER_HOUR = 50
LOCKED_S = 900
KEPT = 20_000


class Pace:
    """Buckets for (kind, name). `monotonic_s` is a clock that never goes back."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._clock = monotonic_s
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._wrong: list[float] = []
        self._locked_until = 0.0

    def wait_s(self, kind: str, name: str, cost: int = 1) -> int:
        """Take from a bucket: 0 when there was enough, else how long to wait.

        `cost` 0 only looks.
        """
        most, within_s = MOST[kind], WITHIN_S.get(kind, MINUTE_S)
        now = self._clock()
        left, at = self._buckets.pop((kind, name), (float(most), now))
        left = min(most, left + (now - at) * most / within_s)
        needed = max(cost, 1)
        wait = 0 if left >= needed else ceil((needed - left) * within_s / most)
        self._buckets[kind, name] = (left if wait else left - cost, now)
        while len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        return wait

    def wrong_invite(self, address: str) -> bool:
        """Somebody tried a code that is none; True when that was one too many, and locks the door
        for a while."""
        self.wait_s("invite", address)
        now = self._clock()
        self._wrong = [at for at in self._wrong if at > now - 3_600] + [now]
        if len(self._wrong) <= INVITES_PER_HOUR:
            return False
        fresh = now >= self._locked_until
        self._locked_until = now + LOCKED_S
        return fresh

    def invite_wait_s(self, address: str) -> int:
        """How long this address must wait before it may try a code."""
        locked = ceil(self._locked_until - self._clock())
        return max(locked, self.wait_s("invite", address, 0), 0)
