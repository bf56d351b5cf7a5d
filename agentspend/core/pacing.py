"""Rate limits: who may go now, who waits for whom, and until when. Pure: time is an argument.

Each limit has a gate for every value of what it is `per`. A request passes when all its gates let
it; it waits only at those that do not, in order of arrival, so that whoever waits at one gate holds
up nobody at another. Moments are monotonic µs.
"""

import heapq
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from agentspend.core.rules import RateLimit
from agentspend.core.scopes import NamesModel, Payer, same_text
from agentspend.core.sliding import LastMinute, Use

KEPT_GATES = 256
"""So many idle gates may stand around before they are looked through."""
SLOT_RETRY_US = 5_000_000
"""When to ask again for a slot whose requests end nobody knows when."""


@dataclass(slots=True, eq=False)
class Ticket:
    """One request at its gates. `tokens` are the most its prompt can be."""

    number: int
    gates: tuple["Gate", ...]
    tokens: int
    subagent: str
    started: bool = False
    uses: list[Use] = field(default_factory=list)

    def __lt__(self, other: "Ticket") -> bool:
        return self.number < other.number


class Gate:
    """One limit for one value: what passed in the last minute, what is in flight, who waits.

    `of_subagents`: the limit on subagents, which the main thread does not pass through.
    """

    __slots__ = (
        "_requests", "_tokens", "in_flight", "limit", "of_subagents", "queue", "subagents",
        "value", "wake_us",
    )  # fmt: skip

    def __init__(self, limit: RateLimit, value: str, *, of_subagents: bool) -> None:
        self.limit = limit
        self.value = value
        self.of_subagents = of_subagents
        self.queue: list[Ticket] = []
        self.in_flight = 0
        self.subagents: dict[str, int] = {}
        self.wake_us: int | None = None
        self._requests = LastMinute()
        self._tokens = LastMinute()

    def opens_in_us(
        self, ticket: Ticket, now_us: int, ahead: int = 0, tokens: int = 0
    ) -> int | None:
        """0 when the ticket may pass, else how long it takes; None when others must end first.

        `ahead` requests with so many `tokens` pass before it.
        """
        limit = self.limit
        if self.of_subagents:
            known = ticket.subagent in self.subagents
            return 0 if known or len(self.subagents) < limit.subagents else None
        if limit.parallel and self.in_flight >= limit.parallel:
            return None
        return max(
            self._requests.fits_in_us(now_us, 1 + ahead, limit.rpm) if limit.rpm else 0,
            self._tokens.fits_in_us(now_us, ticket.tokens + tokens, limit.tpm) if limit.tpm else 0,
        )

    def take(self, ticket: Ticket, now_us: int) -> None:
        """Let it pass."""
        self.in_flight += 1
        if self.of_subagents:
            self.subagents[ticket.subagent] = self.subagents.get(ticket.subagent, 0) + 1
            return
        if self.limit.rpm:
            self._requests.add(now_us, 1)
        if self.limit.tpm:
            ticket.uses.append(self._tokens.add(now_us, ticket.tokens))

    def give_back(self, ticket: Ticket, used_tokens: int, now_us: int) -> None:
        """Its request has ended; what it used takes the place of its bound."""
        self.in_flight -= 1
        if self.of_subagents:
            left = self.subagents.pop(ticket.subagent) - 1
            if left:
                self.subagents[ticket.subagent] = left
        elif self.limit.tpm:
            use, surplus = ticket.uses.pop(0), ticket.tokens - used_tokens
            if surplus > 0:
                self._tokens.lower(now_us, use, surplus)
            elif surplus < 0:
                self._tokens.add(now_us, -surplus)

    def idle(self, now_us: int) -> bool:
        """Whether nothing would be lost without it."""
        self._requests.roll(now_us)
        self._tokens.roll(now_us)
        used = self._requests.used or self._tokens.used
        return not (self.queue or self.in_flight or used)


class Pacing:
    """Every gate of one device. After each change, `due` says who may go."""

    def __init__(self) -> None:
        self._gates: dict[tuple[RateLimit, str, bool], Gate] = {}
        self._count = 0
        self._kept = KEPT_GATES
        self._new: list[Ticket] = []
        self._changed: list[Gate] = []
        self._wakes: list[tuple[int, int, Gate]] = []

    def __len__(self) -> int:
        return len(self._gates)

    def arrive(
        self,
        limits: Sequence[RateLimit],
        payer: Payer,
        tokens: int,
        now_us: int,
        names_model: NamesModel = same_text,
    ) -> Ticket | None:
        """A request at its gates, last in every line; None when no limit is for it."""
        gates = [
            self._gate(limit, value, of_subagents)
            for limit in limits
            if limit.scope.matches(payer, names_model)
            for value in (payer.names(limit.per) if limit.per else ("",))
            for of_subagents in _kinds(limit, payer)
        ]
        if not gates:
            return None
        self._count += 1
        ticket = Ticket(self._count, tuple(dict.fromkeys(gates)), tokens, payer.subagent)
        self._new.append(ticket)
        if len(self._gates) > self._kept:
            self._sweep(now_us)
        return ticket

    def end(self, ticket: Ticket, used_tokens: int, now_us: int) -> None:
        """A request has ended, or stopped waiting; ending it again changes nothing."""
        if ticket.started:
            ticket.started = False
            for gate in ticket.gates:
                gate.give_back(ticket, used_tokens, now_us)
                self._changed.append(gate)
            return
        if ticket in self._new:
            self._new.remove(ticket)
        self._changed += self._leave_lines(ticket)

    def due(self, now_us: int) -> list[Ticket]:
        """Everyone who may go now, first come first; they count as gone."""
        while self._wakes and self._wakes[0][0] <= now_us:
            wake_us, _, gate = heapq.heappop(self._wakes)
            if gate.wake_us == wake_us:
                gate.wake_us = None
                self._changed.append(gate)
        gone: list[Ticket] = []
        while self._changed:
            self._open(self._changed.pop(), now_us, gone)
        new, self._new = self._new, []
        for ticket in new:
            self._try(ticket, now_us, gone)
        return gone

    def next_us(self) -> int | None:
        """The next moment at which time alone may let somebody go."""
        while self._wakes and self._wakes[0][2].wake_us != self._wakes[0][0]:
            heapq.heappop(self._wakes)
        return self._wakes[0][0] if self._wakes else None

    def in_the_way(self, ticket: Ticket) -> Gate:
        """The gate a waiting ticket stands at: the one to name."""
        return next(gate for gate in ticket.gates if ticket in gate.queue)

    def retry_us(self, ticket: Ticket, now_us: int) -> int:
        """How long until a waiting ticket would pass, if all before it pass as soon as they may."""
        waits = []
        for gate in ticket.gates:
            before = gate.queue[: bisect_left(gate.queue, ticket)]
            tokens = sum(each.tokens for each in before)
            wait_us = gate.opens_in_us(ticket, now_us, len(before), tokens)
            waits.append(SLOT_RETRY_US if wait_us is None else wait_us)
        return max(waits)

    def _open(self, gate: Gate, now_us: int, gone: list[Ticket]) -> None:
        """Let the head of a line go if it may; then the gate has changed again."""
        if gate.queue:
            self._try(gate.queue[0], now_us, gone)
        self._set_wake(gate, now_us)

    def _try(self, ticket: Ticket, now_us: int, gone: list[Ticket]) -> None:
        """Let a ticket go, or line it up at the gates that stop it now and at no other."""
        left = self._leave_lines(ticket)
        shut = [gate for gate in ticket.gates if _shut(gate, ticket, now_us)]
        self._changed += [gate for gate in left if gate not in shut]
        if not shut:
            ticket.started = True
            for gate in ticket.gates:
                gate.take(ticket, now_us)
            gone.append(ticket)
        for gate in shut:
            insort(gate.queue, ticket)
            self._set_wake(gate, now_us)

    def _leave_lines(self, ticket: Ticket) -> list[Gate]:
        """Take a ticket out of every line; returns the gates it stood at."""
        left = [gate for gate in ticket.gates if ticket in gate.queue]
        for gate in left:
            gate.queue.remove(ticket)
        return left

    def _set_wake(self, gate: Gate, now_us: int) -> None:
        """Note when the head of a line may go, where time tells."""
        wait_us = gate.opens_in_us(gate.queue[0], now_us) if gate.queue else None
        wake_us = now_us + wait_us if wait_us else None
        if wake_us is not None and wake_us != gate.wake_us:
            self._count += 1
            heapq.heappush(self._wakes, (wake_us, self._count, gate))
        gate.wake_us = wake_us

    def _gate(self, limit: RateLimit, value: str, of_subagents: bool) -> Gate:  # noqa: FBT001
        key = (limit, value, of_subagents)
        found = self._gates.get(key)
        if found is None:
            found = self._gates[key] = Gate(limit, value, of_subagents=of_subagents)
        return found

    def _sweep(self, now_us: int) -> None:
        """Forget idle gates: sessions and subagents come and go."""
        used = {gate for ticket in self._new for gate in ticket.gates}
        self._gates = {
            key: gate for key, gate in self._gates.items() if gate in used or not gate.idle(now_us)
        }
        self._kept = max(KEPT_GATES, 2 * len(self._gates))


def _shut(gate: Gate, ticket: Ticket, now_us: int) -> bool:
    """Whether somebody earlier waits here, or the limit does not let this one pass now."""
    return bool(gate.queue and gate.queue[0] < ticket) or gate.opens_in_us(ticket, now_us) != 0


def _kinds(limit: RateLimit, payer: Payer) -> list[bool]:
    """The gates of one limit that a request passes: by its rate, and as a subagent."""
    by_rate = [False] if limit.rpm or limit.tpm or limit.parallel else []
    return [*by_rate, True] if limit.subagents and payer.subagent else by_rate
