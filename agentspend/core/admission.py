"""The admission ladder (DESIGN.md §3): may this request leave, with how much output, or not?

Pure and total: `decide` is handed the accounts as they stand and says what happens next. It
never looks anything up; the bookkeeper applies what it decides in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import msgspec

from agentspend.core.budgets import BoundKind


class Priced(Protocol):
    """The most a request can cost, linear in its output: `core.pricing.Bound`."""

    def nusd(self, output_tokens: int) -> int:
        """The cost with this much output, rounded up to nano-USD."""
        ...

    def output_that_fits(self, free_nusd: int) -> int:
        """The most output tokens that cost no more than this; -1 when not even the input fits."""
        ...


NO_END_NUSD = 2**62
"""More than any budget: nobody here knows where an allowance ends that may still grow."""


class Room(msgspec.Struct, frozen=True):
    """One hard budget's account at this moment; amounts in nano-USD.

    `rolls`: a velocity cap, whose spending rolls out within the hour; `soon_nusd` is what of it
    rolls out before this request's patience ends. `grows`: an allowance of the team's, of which
    the server may give more; `scant`: it has not enough for anybody's comfort.
    """

    budget: str
    limit_nusd: int
    spent_nusd: int
    held_nusd: int
    bound: BoundKind = BoundKind.STRICT
    rolls: bool = False
    soon_nusd: int = 0
    grows: bool = False
    scant: bool = False

    @property
    def free_nusd(self) -> int:
        """What a new hold may take now."""
        return self.limit_nusd - self.spent_nusd - self.held_nusd

    @property
    def best_nusd(self) -> int:
        """What would be free in time if every hold in flight ended at zero."""
        if self.grows and not self.scant:
            return NO_END_NUSD
        return self.limit_nusd - self.spent_nusd + self.soon_nusd

    @property
    def most_nusd(self) -> int:
        """What can be free at all before the budget is changed or starts anew."""
        if self.grows:
            return NO_END_NUSD
        return self.limit_nusd if self.rolls else self.best_nusd


class Ask(msgspec.Struct, frozen=True):
    """What a request needs. Output limits are tokens: floor ≤ comfort ≤ wanted.

    `strict` and `warm` are the two bounds a budget may choose between. `count_helps`: the bound
    rests on bytes, so counting comes before clamping. `countable`: the provider's count could
    still tighten the bound before a refusal.
    """

    strict: Priced
    warm: Priced
    wanted_output: int
    comfort_output: int
    floor_output: int
    count_helps: bool = False
    countable: bool = False

    def bound(self, room: Room) -> Priced:
        """The bound this budget goes by."""
        return self.warm if room.bound is BoundKind.WARM else self.strict


class RefusalReason(StrEnum):
    """Why a request was not admitted, in order of precedence. `TOO_FAST`: only a velocity cap says
    no, and time alone will let it pass."""

    NEVER_FITS = "never_fits"
    WAITED = "waited"
    TOO_FAST = "too_fast"
    LINE_FULL = "line_full"


class Admit(msgspec.Struct, frozen=True):
    """Hold and forward, with this output limit (below what was wanted: a clamp)."""

    output_tokens: int


@dataclass(frozen=True, slots=True)
class Count:
    """Ask the provider to count the prompt for free, then try again."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Stand in line for this budget: what is in flight there may still make room."""

    budget: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not admitted: the budget that says no, and the least this request can cost there."""

    reason: RefusalReason
    room: Room
    needed_nusd: int


Decision = Admit | Count | Wait | Refuse


def decide(ask: Ask, rooms: Sequence[Room], *, patient: bool, behind: str = "") -> Decision:
    """Take one request through the ladder.

    `patient`: its `wait_s` has not passed. `behind`: the budget whose line has someone earlier in
    it ("" when none): first come, first served, so it may not pass even where it would fit.
    """
    blocked = _never_fits(ask, rooms)
    if blocked is not None:
        return Count() if ask.countable else blocked
    fits = _output(ask, rooms, best=False)
    if not behind:
        if fits >= ask.wanted_output:
            return Admit(ask.wanted_output)
        if ask.count_helps:
            return Count()
        if fits >= ask.comfort_output:
            return Admit(fits)
        comfort_is_out_of_reach = _output(ask, rooms, best=True) < ask.comfort_output
        if fits >= ask.floor_output and (comfort_is_out_of_reach or not patient):
            return Admit(fits)
    elif ask.count_helps:
        return Count()
    if patient:
        slow = [room for room in _in_the_way(ask, rooms) if room.rolls]
        return Wait(behind or _tightest(ask, slow or rooms).budget)
    if ask.countable:
        return Count()
    in_the_way = _in_the_way(ask, rooms) or rooms
    lasting = [room for room in in_the_way if not room.rolls]
    room = _tightest(ask, lasting or in_the_way)
    needed_nusd = ask.bound(room).nusd(ask.floor_output)
    reason = RefusalReason.TOO_FAST if room.rolls else RefusalReason.WAITED
    return Refuse(reason, room, needed_nusd)


def _never_fits(ask: Ask, rooms: Sequence[Room]) -> Refuse | None:
    """Step 1: the smallest bound passes a limit even if all that is in flight costs nothing.

    What a velocity cap has spent comes free again: there only the limit itself says never.
    """
    for room in rooms:
        needed_nusd = ask.bound(room).nusd(ask.floor_output)
        if needed_nusd > room.most_nusd:
            return Refuse(RefusalReason.NEVER_FITS, room, needed_nusd)
    return None


def _output(ask: Ask, rooms: Sequence[Room], *, best: bool) -> int:
    """The largest output limit every room allows, at most what was wanted."""
    allowed = [
        ask.bound(room).output_that_fits(room.best_nusd if best else room.free_nusd)
        for room in rooms
    ]
    return min([ask.wanted_output, *allowed])


def _in_the_way(ask: Ask, rooms: Sequence[Room]) -> list[Room]:
    """The rooms in which not even the smallest bound fits now."""
    return [room for room in rooms if ask.bound(room).nusd(ask.floor_output) > room.free_nusd]


def _tightest(ask: Ask, rooms: Sequence[Room]) -> Room:
    """The room that allows the least output: the one to name."""
    return min(rooms, key=lambda room: ask.bound(room).output_that_fits(room.free_nusd))


def output_limits(
    wanted_output: int, *, taken: int, cut_at: int, comfort: int, floor: int
) -> tuple[int, int]:
    """The comfortable and the hard floor of a clamp, both at most what was wanted.

    Both stand above what is `taken` before a word is written: a thinking budget, and output that
    no limit holds back. `cut_at` is the limit at which this conversation's
    clamped answer was cut: it is never clamped to that size or below again (wire study §1b).
    A floor set above the comfort is the comfort too.
    """
    least = cut_at + 1 if cut_at else 1
    hard = min(wanted_output, max(floor + taken, least))
    comfortable = min(wanted_output, max(comfort + taken, least))
    return max(comfortable, hard), hard
