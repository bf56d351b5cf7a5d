"""What this device would like to have in each pool, from the books at a moment."""

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Moment
from agentspend.core.allowance.messages import Want
from agentspend.core.budgets import TEAM_PREFIX
from agentspend.store import entries

RECENT_US = 900_000_000
"""The pace is that of the last quarter of an hour."""


def wants(books: Books, at: Moment) -> list[Want]:
    """For every pool: the pace there, the first hold that did not fit, what is held."""
    now_us = books.now(at)
    needs: dict[str, int] = {}
    for request, _ in books.line.waits():
        for seat in books.team.seats(request.payer, request.counted, at.mono_us):
            need_nusd = request.ask.strict.nusd(request.ask.comfort_output)
            if need_nusd > seat.account.free_nusd:
                needs.setdefault(seat.budget.name.removeprefix(TEAM_PREFIX), need_nusd)
    held = {str(line["name"]): int(str(line["held_nusd"])) for line in books.team.lines()}
    found = []
    for pool in books.team.pools:
        if pool.warns:
            continue
        part = entries.Part(pool.scope, books.rooms.names_model, billed_only=True)
        charges = entries.charges(books.conn, part, now_us - RECENT_US)
        burn_nusd = sum(amount for _, amount in charges)
        found.append(Want(pool.id, max(0, burn_nusd), needs.get(pool.id, 0), held.get(pool.id, 0)))
    return found
