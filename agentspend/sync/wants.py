"""What this device would like to have in each pool, from the books at a moment."""

from collections.abc import Iterable, Mapping, Sequence

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Moment
from agentspend.bookkeeper.rooms import Seat
from agentspend.core.admission import Ask
from agentspend.core.allowance.messages import Want
from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.windows import Span
from agentspend.store import entries

RECENT_US = 900_000_000
"""The pace is that of the last quarter of an hour."""


def wants(books: Books, at: Moment) -> list[Want]:
    """For every pool: the pace there, what the first in line needs, what is held."""
    now_us = books.now(at)
    lacking = needs(
        need(request.ask, books.team.seats(request.payer, request.counted, at.mono_us))
        for request, _ in books.line.waits()
    )
    held = {str(line["name"]): int(str(line["held_nusd"])) for line in books.team.lines()}
    found = []
    policy = books.team.policy
    for pool in policy.pools:
        if pool.warns:
            continue
        teams = policy.paid_by(pool)
        part = entries.Part(pool.scope, books.rooms.names_model, billed_only=True, teams=teams)
        burn_nusd = entries.spent_nusd(books.conn, part, Span("", now_us - RECENT_US + 1, None))
        found.append(
            Want(pool.id, max(0, burn_nusd), lacking.get(pool.id, 0), held.get(pool.id, 0))
        )
    return found


def need(ask: Ask, seats: Sequence[Seat]) -> tuple[int, dict[str, int]]:
    """What a request would hold, and what is free for it in its pools. It would like comfort, and
    takes the least that will do where a pool has not got so much."""
    scant = any(seat.scant for seat in seats)
    nusd = ask.strict.nusd(ask.floor_output if scant else ask.comfort_output)
    names = (seat.budget.name.removeprefix(TEAM_PREFIX) for seat in seats)
    return nusd, dict(zip(names, (seat.account.free_nusd for seat in seats), strict=True))


def needs(waiting: Iterable[tuple[int, Mapping[str, int]]]) -> dict[str, int]:
    """What to ask for: in every pool of the first request in line that does not fit, its hold.

    Also where it would fit: else the server may ask that back while another pool is being filled,
    and the request would have to wait for one of them for ever. `waiting` is, in order, what each
    request would hold and what is free for it in its pools.
    """
    found: dict[str, int] = {}
    for need_nusd, free_nusd in waiting:
        if any(nusd < need_nusd for nusd in free_nusd.values()):
            for pool in free_nusd:
                found.setdefault(pool, need_nusd)
    return found
