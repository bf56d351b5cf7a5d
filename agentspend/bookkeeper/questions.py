"""Questions: what no budget lets pass waits for a person's answer (`on_exceed = "ask"`). Pure.

One question a budget, however many requests wait for it. It is answered by room for them (a raise,
a lead's approval) or by a no, which stands until that budget has another limit or a new window.
Kept in memory: a restart ends the requests, and with them what they asked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from agentspend.bookkeeper.line import Line
from agentspend.bookkeeper.outcomes import HoldRequest
from agentspend.bookkeeper.rooms import Seat


@dataclass(frozen=True, slots=True)
class Question:
    """May this budget be raised by `lacking_nusd`? So much the requests that wait lack together.

    `since_us` and `until_us` are monotonic: the first that asked, and the last that gives up.
    """

    budget: str
    scope: str
    window: str
    source: str
    limit_nusd: int
    lacking_nusd: int
    requests: tuple[HoldRequest, ...]
    since_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class _Asker:
    request: HoldRequest
    seat: Seat
    lacking_nusd: int


@dataclass(slots=True)
class Questions:
    """Those that are open; who asks stands in `line`. `closed`: the daemon stops, ask nobody.

    `turn_of` a budget: another number whenever its limit was changed, though it be set back.
    """

    line: Line
    turn_of: Callable[[str], int]
    closed: bool = False
    _askers: dict[str, _Asker] = field(default_factory=dict)
    _noes: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def ask(self, request: HoldRequest, seat: Seat, needed_nusd: int) -> bool:
        """Ask for room in this budget; False where the question was open already."""
        fresh = not self._is_open(request.rid, seat.budget.name)
        lacking_nusd = max(0, needed_nusd - max(0, seat.account.free_nusd))
        self._askers[request.rid] = _Asker(request, seat, lacking_nusd)
        return fresh

    def too_early(self, request: HoldRequest, seat: Seat) -> bool:
        """Whether no person need be asked yet: the team's server may have more, and has not said
        to this request that it has none. Once asked, a question stays until it is answered."""
        return seat.grows and not self._asks_for(request.rid, seat.budget.name)

    def withdraw(self, rid: str) -> None:
        """What this one asked is answered; it waits for something else now."""
        self._askers.pop(rid, None)

    def say_no(self, budget: str) -> int:
        """Answer a question; how many requests it was asked for."""
        asked = [each for each in self._waiting() if each.seat.budget.name == budget]
        for each in asked:
            self._noes[_place(each.seat)] = self._limit(each.seat)
        return len(asked)

    def close(self) -> None:
        """The daemon stops: whoever asks is refused now, and nobody is asked any more."""
        self.closed = True

    def was_refused(self, seat: Seat) -> bool:
        """Whether a person has said no, of this limit in this window."""
        return self._noes.get(_place(seat)) == self._limit(seat)

    def _limit(self, seat: Seat) -> tuple[int, int]:
        return seat.budget.limit_nusd, self.turn_of(seat.budget.name)

    def all(self) -> list[Question]:
        """Every open question; the one asked first comes first."""
        by_budget: dict[str, list[_Asker]] = {}
        for each in sorted(self._waiting(), key=lambda each: each.request.arrived_us):
            by_budget.setdefault(each.seat.budget.name, []).append(each)
        return [_question(asked) for asked in by_budget.values()]

    def _is_open(self, rid: str, budget: str) -> bool:
        """Whether this budget was asked for by somebody who still waits; the same one first."""
        if len(self._askers) > len(self.line):
            self._waiting()
        return self._asks_for(rid, budget) or any(
            self._asks_for(other, budget) for other in self._askers
        )

    def _asks_for(self, rid: str, budget: str) -> bool:
        """Whether this very request asks for more of this budget."""
        mine = self._askers.get(rid)
        return mine is not None and mine.seat.budget.name == budget and self.line.asks(rid)

    def _waiting(self) -> list[_Asker]:
        """Those who still ask: whoever left the line was served, refused, or hung up."""
        self._askers = {rid: each for rid, each in self._askers.items() if self.line.asks(rid)}
        return list(self._askers.values())


def _place(seat: Seat) -> tuple[str, int]:
    return seat.budget.name, seat.account.id


def _question(asked: list[_Asker]) -> Question:
    budget = asked[-1].seat.budget
    return Question(
        budget=budget.name,
        scope=budget.scope.text(),
        window=budget.window.text(),
        source=budget.source,
        limit_nusd=budget.limit_nusd,
        lacking_nusd=sum(each.lacking_nusd for each in asked),
        requests=tuple(each.request for each in asked),
        since_us=min(each.request.arrived_us for each in asked),
        until_us=max(each.request.asks_until_us for each in asked),
    )
