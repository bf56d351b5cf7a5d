"""Which accounts a request touches, opened on first use and rolled forward with time."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import tzinfo

import msgspec

from agentspend.core.admission import Room
from agentspend.core.budgets import TEAM_PREFIX, Budget, Counts, Mode
from agentspend.core.scopes import NamesModel, Payer, same_text
from agentspend.core.windows import Span, WindowKind, span
from agentspend.store import accounts, entries, holds
from agentspend.store.accounts import Account

CALENDAR = (WindowKind.HOUR, WindowKind.DAY, WindowKind.WEEK, WindowKind.MONTH)
"""Windows that begin by the zone's clock."""
NAME_SUBAGENTS = frozenset({"claude"})
"""Agents that name a subagent in each of its requests, so that one without is the main thread."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A budget as adopted; `generation` changes when its scope or window does."""

    budget: Budget
    generation: int


class Seat(msgspec.Struct, frozen=True):
    """One budget's account for one request. `grows`: more of it may be had from the team server;
    `coming`: it was asked for a moment ago; `scant`: there is no more than the least."""

    budget: Budget
    account: Account
    grows: bool = False
    coming: bool = False
    scant: bool = False

    @property
    def is_teams(self) -> bool:
        """Whether a team's pool is behind it, not a budget of this machine."""
        return self.budget.name.startswith(TEAM_PREFIX)

    def room(self, soon_nusd: int = 0) -> Room:
        """What the admission ladder needs to know of it; `soon_nusd` rolls out in time."""
        account = self.account
        return Room(
            budget=self.budget.name,
            limit_nusd=account.limit_nusd,
            spent_nusd=account.spent_nusd,
            held_nusd=account.held_nusd,
            bound=self.budget.bound,
            rolls=self.budget.window.is_velocity,
            soon_nusd=soon_nusd,
            grows=self.grows,
            scant=self.scant,
        )


class Rooms:
    """Finds and opens accounts for the budgets in force.

    With `read_only` nothing is opened or rolled: accounts are worked out from the entries.
    """

    def __init__(self, conn: sqlite3.Connection, zone: tzinfo, *, read_only: bool = False) -> None:
        self._conn = conn
        self.zone = zone
        self._read_only = read_only
        self.in_force: tuple[InForce, ...] = ()
        self.names_model: NamesModel = same_text
        self._spans: dict[str, Span] = {}

    def use_zone(self, zone: tzinfo) -> None:
        """From now on calendar windows follow this zone."""
        self.zone = zone
        self._spans.clear()

    def seats(self, payer: Payer, counted: str, now_us: int) -> list[Seat]:
        """The accounts of every budget this request counts in, hard and warn."""
        return [
            Seat(item.budget, self.account(item, now_us, payer))
            for item in self.in_force
            if self.counts_in(item.budget, payer, counted)
        ]

    def counts_in(self, budget: Budget, payer: Payer, counted: str) -> bool:
        """Whether a request counts in a budget: its scope, and real dollars or list price.

        A budget per subagent leaves out the main thread of an agent that names its subagents; of
        any other agent it holds for the whole session.
        """
        if counted != "billed" and budget.counts is Counts.BILLED:
            return False
        of_subagents = budget.window.kind is WindowKind.SUBAGENT and not payer.subagent
        if of_subagents and payer.agent in NAME_SUBAGENTS:
            return False
        return budget.scope.matches(payer, self.names_model)

    def standings(
        self, names: Collection[str], payer: Payer, counted: str, now_us: int
    ) -> dict[str, tuple[int, int]]:
        """What is spent of these budgets, and their limits, where this payer counts in them."""
        found = {}
        for item in self.in_force:
            if item.budget.name in names and self.counts_in(item.budget, payer, counted):
                account = self.account(item, now_us, payer)
                found[item.budget.name] = (account.spent_nusd, account.limit_nusd)
        return found

    def room(self, seat: Seat, now_us: int, patience_us: int) -> Room:
        """A seat as the admission ladder sees it, for a request with so much patience left."""
        window = seat.budget.window
        if not window.is_velocity:
            return seat.room()
        left_us = now_us + max(0, patience_us) - window.length_s * 1_000_000
        return seat.room(accounts.charged_until_nusd(self._conn, seat.account.id, left_us))

    def rolls_us(self, seat: Seat) -> int | None:
        """The next moment at which anything rolls out of a velocity cap."""
        first_us = accounts.first_charge_us(self._conn, seat.account.id)
        return None if first_us is None else first_us + seat.budget.window.length_s * 1_000_000

    def enough_rolls_us(self, seat: Seat, missing_nusd: int, now_us: int) -> int:
        """When so much will have rolled out of a velocity cap, if nothing more is spent."""
        length_us = seat.budget.window.length_s * 1_000_000
        enough_us = accounts.enough_us(self._conn, seat.account.id, missing_nusd)
        return max(now_us, (enough_us or now_us) + length_us)

    def account(self, item: InForce, now_us: int, payer: Payer) -> Account:
        """The budget's account in the window of this moment."""
        here = self.span(item.budget, now_us, payer)
        found = accounts.find(self._conn, item.budget.name, item.generation, here.key)
        rolling = item.budget.window.kind is WindowKind.ROLLING
        if self._read_only and (found is None or rolling):
            return self._work_out(item, here)[0]
        if found is None:
            return self._open(item, here)
        if rolling:
            accounts.roll(self._conn, found.id, here.starts_us)
            return accounts.by_id(self._conn, found.id)
        return found

    def span(self, budget: Budget, now_us: int, payer: Payer) -> Span:
        """The window around a moment; calendar spans are worked out once each."""
        window = budget.window
        if window.kind not in CALENDAR:
            return span(window, now_us, self.zone, payer.session, payer.subagent)
        known = self._spans.get(window.kind)
        if known is None or now_us < known.starts_us or now_us >= (known.ends_us or 0):
            known = self._spans[window.kind] = span(window, now_us, self.zone)
        return known

    def _open(self, item: InForce, here: Span) -> Account:
        """Open an account that already counts what the ledger and open holds have in it."""
        account, earlier, inside = self._work_out(item, here)
        opened = accounts.create(self._conn, account)
        for at_us, amount_nusd in earlier:
            accounts.add_charge(self._conn, opened.id, at_us, amount_nusd)
        for hold in inside:
            holds.attach(self._conn, hold.rid, opened.id, hold.amount_nusd)
        return opened

    def _work_out(
        self, item: InForce, here: Span
    ) -> tuple[Account, list[tuple[int, int]], list[holds.Hold]]:
        """The account by the entries and open holds: itself, its single charges, its holds."""
        budget = item.budget
        billed_only = budget.counts is Counts.BILLED
        part = entries.Part(budget.scope, self.names_model, billed_only=billed_only)
        if budget.window.kind is WindowKind.ROLLING:
            earlier = entries.charges(self._conn, part, here.starts_us)
            spent_nusd = sum(amount for _, amount in earlier)
        else:
            earlier = []
            spent_nusd = entries.spent_nusd(self._conn, part, here)
        inside = [hold for hold in holds.all_open(self._conn) if self._is_inside(hold, item, here)]
        account = Account(
            id=0,
            budget=budget.name,
            generation=item.generation,
            window_key=here.key,
            starts_us=here.starts_us,
            ends_us=here.ends_us,
            mode=budget.mode,
            limit_nusd=budget.limit_nusd,
            spent_nusd=max(0, spent_nusd),
            held_nusd=sum(hold.amount_nusd for hold in inside),
            over_nusd=0,
        )
        return account, earlier, inside

    def _is_inside(self, hold: holds.Hold, item: InForce, here: Span) -> bool:
        """Whether a hold already in flight belongs to an account that opens now."""
        kept = msgspec.json.decode(hold.body)
        payer = Payer.from_known(kept["payer"])
        if not self.counts_in(item.budget, payer, kept["counted"]):
            return False
        return self.span(item.budget, hold.created_us, payer).key == here.key


def is_hard(seat: Seat) -> bool:
    """Whether this seat can refuse."""
    return seat.budget.mode is Mode.HARD
