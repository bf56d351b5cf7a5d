"""One session in a line: what it cost, the budget that stops it first, the pace of late."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from agentspend.bookkeeper import snapshot
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Moment
from agentspend.core.allowance.messages import PoolSeen
from agentspend.core.allowance.whole_cap import Shown
from agentspend.core.budgets import TEAM_PREFIX, Budget, Mode
from agentspend.core.forecast import BURN_US, burn_nusd_per_h
from agentspend.core.scopes import Payer, Scope
from agentspend.core.windows import Span
from agentspend.store import entries
from agentspend.store.accounts import Account


@dataclass(frozen=True, slots=True)
class Tight:
    """A budget, what people see of it, and until when. `grows`: nobody knows here how much is left,
    for what is shown is an allowance and the team's server gives more."""

    budget: Budget
    shown: Shown
    ends_us: int | None
    grows: bool = False


def brief(
    books: Books, at: Moment, payer: Payer | None, seen: Mapping[str, PoolSeen] = snapshot.NOT_SEEN
) -> dict[str, object]:
    """What the status line says of a payer's session; of the whole device for None. `seen` is how
    the team's server said its caps stand, if it did of late."""
    now_us = books.now(at)
    who = payer or Payer()
    scope = Scope.of({"session": who.session}) if who.session else Scope()
    part = entries.Part(scope, billed_only=True)
    late = Span("", now_us - BURN_US + 1, now_us + 1)
    late_nusd = entries.spent_nusd(books.conn, part, late)
    told: dict[str, object] = {
        "session": snapshot.session_total(books, who.session) if who.session else None,
        "today_nusd": snapshot.today_nusd(books, at),
        "burn_nusd_per_h": burn_nusd_per_h(late_nusd),
        "windows": snapshot.included_lines(books, at),
        "budget": None,
        "asks": _asks(books, who.session),
    }
    tight = _tightest(books, now_us, who, seen)
    if tight is not None:
        told["budget"] = {
            "name": tight.budget.name,
            "window": tight.budget.window.text(),
            **msgspec.to_builtins(tight.shown),
            "cap_nusd": tight.budget.limit_nusd,
            "grows": tight.grows,
            "resets_us": tight.ends_us,
        }
    return told


def _asks(books: Books, session: str) -> list[str]:
    """The budgets that requests of this session ("": of anybody) ask a person for more of."""
    return [
        question.budget
        for question in books.questions.all()
        if not session or any(each.payer.session == session for each in question.requests)
    ]


def _tightest(
    books: Books, now_us: int, payer: Payer, seen: Mapping[str, PoolSeen]
) -> Tight | None:
    """The hard budget of this payer with the least left; one that grows only where no other is."""
    found = [
        _own(item.budget, books.rooms.account(item, now_us, payer))
        for item in books.rooms.in_force
        if item.budget.mode is Mode.HARD and books.rooms.counts_in(item.budget, payer, "billed")
    ]
    pools = {pool.id: pool for pool in books.team.policy.pools}
    for seat in books.team.seats(payer, "billed", 0):
        ends_us = books.rooms.span(seat.budget, now_us, payer).ends_us
        pool = pools.get(seat.budget.name.removeprefix(TEAM_PREFIX))
        if pool is None:
            found.append(replace(_own(seat.budget, seat.account), ends_us=ends_us))
            continue
        shown = snapshot.shown_of(pool, seat.account, seen)
        found.append(Tight(seat.budget, shown, ends_us, seat.grows and not shown.is_whole))
    return min(found, key=lambda each: (each.grows, each.shown.free_nusd), default=None)


def _own(budget: Budget, account: Account) -> Tight:
    return Tight(budget, snapshot.own(account), account.ends_us)
