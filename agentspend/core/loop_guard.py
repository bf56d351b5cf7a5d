"""The loop guard: did this very request come so often of late that it goes in circles?

Pure: moments are monotonic µs. A request is known by a digest, in memory only. One that was not
answered whole is taken back: what an agent sends again after an error or a cut is no loop.
"""

from collections import OrderedDict, deque

from agentspend.core.rules import LoopGuard

KEPT_SESSIONS = 1_024
KEPT_REQUESTS = 512
"""Of so many sessions, and so many requests of each, the last times are remembered."""

_Seen = OrderedDict[bytes, deque[int]]


class Repeats:
    """When each session's requests came, by digest."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, _Seen] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(seen) for seen in self._sessions.values())

    def loops(self, guard: LoopGuard, session: str, digest: bytes, now_us: int) -> bool:
        """Whether one more of this request would be the guard's `repeats`-th in its time."""
        seen = self._sessions.get(session)
        times = seen.get(digest) if seen is not None else None
        if times is None:
            return False
        since_us = now_us - guard.within_s * 1_000_000
        return sum(at_us > since_us for at_us in times) >= guard.repeats - 1

    def note(self, guard: LoopGuard, session: str, digest: bytes, now_us: int) -> None:
        """This request has come, and may leave."""
        seen = self._sessions.setdefault(session, OrderedDict())
        self._sessions.move_to_end(session)
        times = seen.setdefault(digest, deque())
        seen.move_to_end(digest)
        times.append(now_us)
        while len(times) >= guard.repeats:
            times.popleft()
        if len(seen) > KEPT_REQUESTS:
            seen.popitem(last=False)
        if len(self._sessions) > KEPT_SESSIONS:
            self._sessions.popitem(last=False)

    def take_back(self, session: str, digest: bytes, at_us: int) -> None:
        """The one that came then was not answered whole."""
        times = self._sessions.get(session, OrderedDict()).get(digest)
        if times is not None and at_us in times:
            times.remove(at_us)

    def forget(self, session: str) -> None:
        """It begins anew: a person let it go on."""
        self._sessions.pop(session, None)
