"""One session in a line: what it cost, the budget that stops it first, the pace of late."""

from dataclasses import replace

from agentspend.bookkeeper import snapshot
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Moment
from agentspend.core.budgets import Budget, Mode
from agentspend.core.forecast import BURN_US, burn_nusd_per_h
from agentspend.core.scopes import Payer, Scope
from agentspend.store import entries
from agentspend.store.accounts import Account

Tight = tuple[Budget, Account]


def brief(books: Books, at: Moment, payer: Payer | None) -> dict[str, object]:
    """What the status line says of a payer's session; of the whole device for None."""
    now_us = books.now(at)
    who = payer or Payer()
    scope = Scope.of({"session": who.session}) if who.session else Scope()
    part = entries.Part(scope, billed_only=True)
    charges = entries.charges(books.conn, part, now_us - BURN_US)
    told: dict[str, object] = {
        "session": snapshot.session_total(books, who.session) if who.session else None,
        "today_nusd": snapshot.today_nusd(books, at),
        "burn_nusd_per_h": burn_nusd_per_h(charges, now_us),
        "windows": snapshot.included_lines(books, at),
        "budget": None,
        "asks": _asks(books, who.session),
    }
    tight = _tightest(books, now_us, who)
    if tight is not None:
        budget, account = tight
        told["budget"] = {
            "name": budget.name,
            "window": budget.window.text(),
            "limit_nusd": account.limit_nusd,
            "spent_nusd": account.spent_nusd,
            "held_nusd": account.held_nusd,
            "free_nusd": account.free_nusd,
            "resets_us": account.ends_us,
        }
    return told


def _asks(books: Books, session: str) -> list[str]:
    """The budgets that requests of this session ("": of anybody) ask a person for more of."""
    return [
        question.budget
        for question in books.questions.all()
        if not session or any(each.payer.session == session for each in question.requests)
    ]


def _tightest(books: Books, now_us: int, payer: Payer) -> Tight | None:
    """The hard budget of this payer with the least left."""
    found = [
        (item.budget, books.rooms.account(item, now_us, payer))
        for item in books.rooms.in_force
        if item.budget.mode is Mode.HARD and books.rooms.counts_in(item.budget, payer, "billed")
    ]
    for seat in books.team.seats(payer, "billed", 0):
        here = books.rooms.span(seat.budget, now_us, payer)
        found.append((seat.budget, replace(seat.account, ends_us=here.ends_us)))
    return min(found, key=lambda each: each[1].free_nusd, default=None)
