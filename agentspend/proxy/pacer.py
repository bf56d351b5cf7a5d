"""Rate limits on the event loop: a request waits here before anything is held, woken by a timer.

What may pass is `core.pacing`'s decision; this owns the futures and the one timer. Nothing polls.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from agentspend.bookkeeper.outcomes import Moment
from agentspend.core.pacing import Pacing, Ticket
from agentspend.core.rules import RateLimit
from agentspend.core.scopes import NamesModel, Payer


@dataclass(frozen=True, slots=True)
class Slow:
    """A request that waited in vain: the limit that stopped it, and when it would pass."""

    limit: RateLimit
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class Paced:
    """A request that waits now. `since_us` is monotonic."""

    rid: str
    session: str
    limit: RateLimit
    since_us: int


class Pacer:
    """All requests of one daemon that wait for a rate limit."""

    def __init__(self, now: Callable[[], Moment], names_model: NamesModel) -> None:
        self._now = now
        self._names_model = names_model
        self._pacing = Pacing()
        self._waiting: dict[Ticket, tuple[asyncio.Future[None], str, str, int]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_us: int | None = None

    async def enter(
        self, limits: Sequence[RateLimit], rid: str, payer: Payer, tokens: int, wait_s: int
    ) -> Ticket | Slow | None:
        """Wait until every matching limit lets the request pass, at most `wait_s`.

        The ticket must be given to `leave` when the request has ended; None where no limit is for
        it. A caller that is cancelled leaves the line.
        """
        began_us = self._now().mono_us
        ticket = self._pacing.arrive(limits, payer, tokens, began_us, self._names_model)
        if ticket is None:
            return None
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = (passed, rid, payer.session, began_us)
        self._go()
        try:
            if not ticket.started:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await passed
        except BaseException:
            self.leave(ticket, 0)
            raise
        finally:
            self._waiting.pop(ticket, None)
        if ticket.started:
            return ticket
        gate = self._pacing.in_the_way(ticket)
        retry_us = self._pacing.retry_us(ticket, self._now().mono_us)
        self.leave(ticket, 0)
        return Slow(gate.limit, max(1, -(-retry_us // 1_000_000)))

    def leave(self, ticket: Ticket, used_tokens: int) -> None:
        """A request has ended, having used so many tokens; whoever may go now goes."""
        self._pacing.end(ticket, used_tokens, self._now().mono_us)
        self._go()

    def waits(self) -> list[Paced]:
        """Everyone who waits now, in order of arrival."""
        return [
            Paced(rid, session, self._pacing.in_the_way(ticket).limit, since_us)
            for ticket, (_, rid, session, since_us) in self._waiting.items()
            if not ticket.started
        ]

    def _go(self) -> None:
        """Let go whoever may, and set the timer for the next."""
        now_us = self._now().mono_us
        for ticket in self._pacing.due(now_us):
            passed = self._waiting[ticket][0]
            if not passed.done():
                passed.set_result(None)
        wakes_us = self._pacing.next_us()
        if wakes_us == self._wakes_us:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wakes_us, self._timer = wakes_us, None
        if wakes_us is not None:
            after_s = max(0, wakes_us - now_us) / 1_000_000
            self._timer = asyncio.get_running_loop().call_later(after_s, self._time_has_come)

    def _time_has_come(self) -> None:
        self._timer = self._wakes_us = None
        self._go()
