"""Time that moves only when told: one clock for the provider, the proxy and the bookkeeper."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable

from agentspend.bookkeeper.outcomes import Moment

START_S = 1_795_608_000.0  # 2026-11-25T12:00:00Z


class ManualTime:
    """A clock and a sleep. `advance` wakes each sleeper at its own time, in order.

    `settle` is awaited between two wake-ups: it must let everything that can happen, happen.
    """

    def __init__(self, settle: Callable[[], Awaitable[None]] | None = None) -> None:
        self.now_s = START_S
        self.settle = settle or _turns
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def clock(self) -> float:
        """Unix seconds, as the sandbox asks for them."""
        return self.now_s

    def moment(self) -> Moment:
        """Both clocks, as the bookkeeper asks for them."""
        return Moment(int(self.now_s * 1_000_000), int((self.now_s - START_S) * 1_000_000))

    async def sleep(self, wait_s: float) -> None:
        """Sleep until the clock was moved that far."""
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now_s + wait_s, next(self._order), waker))
        await waker

    def next_s(self) -> float | None:
        """When the next sleeper wakes; None when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    async def advance(self, wait_s: float) -> None:
        """Move on, waking every sleeper of that span at its own time."""
        end_s = self.now_s + wait_s
        await self.settle()
        while (next_s := self.next_s()) is not None and next_s <= end_s:
            self.now_s, _, waker = heapq.heappop(self._sleepers)
            if not waker.done():
                waker.set_result(None)
            await self.settle()
        self.now_s = end_s
        await self.settle()


async def _turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)
