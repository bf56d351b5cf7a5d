"""Looks over the bookkeeper's shoulder: every decision, at the moment it is made.

What it checks is added up from the ledger's entries and open holds by queries of its own, never
read from the accounts the decision was made with; the accounts are compared with it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import msgspec

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Held, HoldRequest, Moment, NeedsCount, Refused, Waiting
from agentspend.core.budgets import Budget, Mode
from agentspend.core.windows import WindowKind
from tests.simulation.oracle import Needs, Standing, counts_in, fits_now

_CHARGES = (
    "SELECT session, model, sum(amount_nusd) FROM entry WHERE amount_nusd <> 0"
    " AND window_us > ?1 AND window_us <= ?2 GROUP BY session, model"
)
_ALWAYS = (-1, 2**62)
_FOLDED = (
    "SELECT a.budget, a.window_key, a.starts_us, a.spent_nusd, a.held_nusd,"
    " (SELECT coalesce(sum(h.amount_nusd), 0) FROM hold_account h WHERE h.account = a.id)"
    " FROM account a"
)


@dataclass(slots=True)
class Watcher:
    """`asked` says what a request needs, by its name; `sent_us` when its client sent it."""

    budgets: tuple[Budget, ...]
    wait_us: int
    asked: Callable[[str], Needs]
    sent_us: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, HoldRequest] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    refused: dict[str, tuple[Refused, int]] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)
    waited_us: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    waits_for: dict[str, str] = field(default_factory=dict)
    books: Books | None = None
    now: Callable[[], Moment] | None = None
    _seen_changes: int = -1
    _known: dict[tuple[str, str, str, str], bool] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Follow every `Books` until the end of the block."""
        hold, leave = Books.hold, Books.leave

        def seen_hold(
            books: Books, request: HoldRequest, at: Moment, *, waking: bool = False
        ) -> Any:
            answer = hold(books, request, at, waking=waking)
            self._decided(books.conn, request, at, answer)
            return answer

        def seen_leave(books: Books, rid: str) -> bool:
            self.waiting.pop(rid, None)
            return leave(books, rid)

        with (
            mock.patch.object(Books, "hold", seen_hold),
            mock.patch.object(Books, "leave", seen_leave),
        ):
            yield

    def nobody_waits_in_vain(self) -> None:
        """At rest: the first in line must be one who cannot be served yet. Accounts agree with
        what they are the sum of."""
        if self.books is None:
            return
        conn = self.books.conn
        assert self.now is not None
        at = self.now()
        if conn.total_changes == self._seen_changes and not self._caps():
            return
        self._seen_changes = conn.total_changes
        before: set[str] = set()
        for request in sorted(self.waiting.values(), key=lambda each: (each.arrived_us, each.rid)):
            names = self._lines(request)
            if names.isdisjoint(before):
                standings = self._standings(conn, request, at)
                if fits_now(self._needs(request), standings):
                    self.faults.append(f"{_name(request)} waits although it fits: {standings}")
            before |= names
        self._accounts_agree(conn)

    def _decided(
        self, conn: sqlite3.Connection, request: HoldRequest, at: Moment, answer: Any
    ) -> None:
        name = _name(request)
        if self.books is not None and request.arrived_us != self.sent_us[name]:
            self.faults.append(f"{name} was sent at {self.sent_us[name]}, not {request.arrived_us}")
        if isinstance(answer, Waiting):
            self.waiting[request.rid] = request
            self.waits_for[request.rid] = answer.budget
            return
        if self.waiting.pop(request.rid, None) is not None:
            self.waited_us[name] = at.mono_us - request.arrived_us
        if isinstance(answer, NeedsCount):
            self.counted.add(name)
        elif isinstance(answer, Held):
            self.held[name] = answer
            self._in_turn(request, at)
        elif isinstance(answer, Refused):
            self.refused[name] = (answer, at.mono_us)
            self._may_refuse(request, at, answer, self._standings(conn, request, at))

    def _may_refuse(
        self, request: HoldRequest, at: Moment, answer: Refused, standings: list[Standing]
    ) -> None:
        """Refused: its time was up, or nothing that can still happen would have made room."""
        name = _name(request)
        if at.mono_us - self.sent_us[name] >= self.wait_us:
            return
        least = self._needs(request).smallest_nusd()
        if all(least <= each.most_nusd for each in standings):
            self.faults.append(
                f"{name} was refused ({answer.reason}) by {answer.budget} although its least"
                f" {least} fits once the holds have ended: {standings}"
            )

    def _in_turn(self, request: HoldRequest, at: Moment) -> None:
        """Served: nobody who came earlier stands in the line of one of its budgets."""
        if at.mono_us >= request.deadline_us:
            return
        mine = {each.name for each in self._hard(request)}
        for other in self.waiting.values():
            if other.arrived_us >= request.arrived_us:
                continue
            shared = mine & self._lines(other)
            if shared and not self._apart(request, other, shared):
                self.faults.append(f"{_name(request)} went before {_name(other)} in {shared}")

    def _lines(self, request: HoldRequest) -> set[str]:
        """The budgets in whose line a waiting request stands: of a velocity cap, in that alone."""
        name = self.waits_for[request.rid]
        if name in self._caps():
            return {name}
        return {each.name for each in self._hard(request)}

    def _caps(self) -> set[str]:
        return {each.name for each in self.budgets if each.window.is_velocity}

    def _apart(self, one: HoldRequest, other: HoldRequest, shared: set[str]) -> bool:
        """Whether all they share are budgets per session, of two sessions."""
        kinds = {b.window.kind for b in self.budgets if b.name in shared}
        return kinds == {WindowKind.SESSION} and one.payer.session != other.payer.session

    def _needs(self, request: HoldRequest) -> Needs:
        return self.asked(_name(request))

    def _hard(self, request: HoldRequest) -> list[Budget]:
        who = request.payer
        return [
            each
            for each in self.budgets
            if each.mode is Mode.HARD and self._counts(each, who.session, who.model, who.session)
        ]

    def _standings(
        self, conn: sqlite3.Connection, request: HoldRequest, at: Moment
    ) -> list[Standing]:
        """The hard budgets of a request, added up from entries and holds."""
        session = request.payer.session
        open_holds = []
        for body, amount in conn.execute("SELECT body, amount_nusd FROM hold").fetchall():
            payer = msgspec.json.decode(body)["payer"]
            open_holds.append((payer["session"], payer["model"], amount))
        return [
            Standing(
                each.name,
                each.limit_nusd,
                self._charged(conn, each, session, *_window(each, at.wall_us)),
                self._sum(open_holds, each, session),
                each.window.is_velocity,
                self._soon(conn, each, request, at),
            )
            for each in self._hard(request)
        ]

    def _soon(
        self, conn: sqlite3.Connection, budget: Budget, request: HoldRequest, at: Moment
    ) -> int:
        """What rolls out of a velocity cap before the request's time is up."""
        if not budget.window.is_velocity:
            return 0
        since_us, _ = _window(budget, at.wall_us)
        left_us = max(0, request.deadline_us - at.mono_us)
        return self._charged(conn, budget, request.payer.session, since_us, since_us + left_us)

    def _charged(
        self, conn: sqlite3.Connection, budget: Budget, session: str, after_us: int, until_us: int
    ) -> int:
        """The entries of a stretch of time that a budget counts."""
        rows = conn.execute(_CHARGES, (after_us, until_us)).fetchall()
        return self._sum(rows, budget, session)

    def _accounts_agree(self, conn: sqlite3.Connection) -> None:
        by_name = {each.name: each for each in self.budgets}
        for name, key, starts_us, spent, held, shares in conn.execute(_FOLDED):
            budget, session = by_name[name], key.partition(":")[2]
            if held != shares:
                self.faults.append(f"{name}: {held} held, but its holds add up to {shares}")
            true = self._charged(conn, budget, session, *_ALWAYS)
            least = true
            if budget.window.is_velocity:
                # One held for longer than the window counts until the account is next looked at.
                least = self._charged(conn, budget, session, starts_us, 2**62)
            if not least <= spent <= true:
                self.faults.append(f"{name}: {spent} spent, but its entries add up to {true}")

    def _sum(self, rows: list[tuple[str, str, int]], budget: Budget, session: str) -> int:
        return sum(amount for of, model, amount in rows if self._counts(budget, of, model, session))

    def _counts(self, budget: Budget, of: str, model: str, session: str) -> bool:
        key = (budget.name, of, model, session)
        if key not in self._known:
            self._known[key] = counts_in(budget, of, model, session)
        return self._known[key]


def _window(budget: Budget, wall_us: int) -> tuple[int, int]:
    """The stretch whose charges a budget counts now; all runs are within one day."""
    if not budget.window.is_velocity:
        return _ALWAYS
    return wall_us - budget.window.length_s * 1_000_000, 2**62


def _name(request: HoldRequest) -> str:
    return request.payer.subagent
