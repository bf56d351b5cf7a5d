"""Lowering a charge that was an estimate: an `adjust` entry, never an edit.

A person confirms (`agentspend adjust ID`), the entry says so, and the accounts the request was
charged to get the difference back. The team's do not: only its server frees rights.
"""

import msgspec

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.chain import entry_payer, payer_fields
from agentspend.bookkeeper.outcomes import Event, Moment
from agentspend.bookkeeper.snapshot import requests_like
from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.errors import AgentspendError, Kind
from agentspend.core.money import dollars
from agentspend.core.scopes import Payer
from agentspend.core.usage import ESTIMATES
from agentspend.core.windows import WindowKind
from agentspend.store import accounts, entries, requests
from agentspend.wire.entries import Entry, decode


def charged_nusd(books: Books, rid: str) -> tuple[Entry, int]:
    """A request's settle entry and what it is charged after every adjust so far.

    A prefix of its id is enough when only one request starts so.
    """
    bodies = entries.of_request(books.conn, rid)
    if not bodies and (like := requests_like(books, rid)):
        bodies = entries.of_request(books.conn, like[0][0])
    found = [decode(body) for body in bodies]
    if not found:
        raise AgentspendError(
            f"no charge for request {rid!r}",
            "`agentspend log` shows the ids of charged requests",
            Kind.UNKNOWN_NAME,
        )
    return found[0], sum(entry.amount_nusd or 0 for entry in found)


def adjust(books: Books, rid: str, amount_nusd: int, reason: str, at: Moment) -> tuple[str, ...]:
    """Lower an estimate to `amount_nusd` (≥ 0); returns the team's pools that keep the charge.

    Refused for charges that rest on the provider's own usage, and for raising one.
    """
    settled, now_nusd = charged_nusd(books, rid)
    rid = settled.rid or rid
    if settled.evidence not in ESTIMATES:
        raise AgentspendError(
            f"request {rid} was charged by the provider's own usage: {dollars(now_nusd)}",
            "only estimates can be adjusted",
        )
    if amount_nusd < 0:
        raise AgentspendError("a charge cannot be below $0", "give 0 or more")
    if amount_nusd >= now_nusd:
        raise AgentspendError(
            f"request {rid} is charged {dollars(now_nusd)}; adjust can only lower that",
            "give a smaller amount",
        )
    payer = entry_payer(settled)
    window_us = settled.held_at or settled.ts
    difference_nusd = amount_nusd - now_nusd
    fields = {
        "rid": rid,
        "ref": settled.seq,
        "amount_nusd": difference_nusd,
        "provider": settled.provider,
        "model": settled.model,
        "requested_model": settled.requested_model,
        "counted": settled.counted,
        "billing": "exact",
        "evidence": "person",
        "text": reason,
    }
    ts_us = books.now(at)
    books.chain.append("adjust", ts_us, fields, payer=payer, window_us=window_us)
    _give_back(books, payer, settled.counted or "billed", window_us, difference_nusd)
    said = {name: value for name, value in fields.items() if name != "ref"}
    words = {**payer_fields(payer), **said, "held_at": window_us}
    told = books.team.adjusted(ts_us, words, settled.ts)
    books.events.append(Event("adjust", {"rid": rid, "amount_nusd": difference_nusd}))
    return _pools_of(books, rid) if told else ()


def _pools_of(books: Books, rid: str) -> tuple[str, ...]:
    """The team's pools a request was charged to, by its story."""
    found = [body for name, _, _, body in requests.find(books.conn, rid) if name == rid]
    held = msgspec.json.decode(found[0]).get("budgets", {}) if found else {}
    return tuple(name.removeprefix(TEAM_PREFIX) for name in held if name.startswith(TEAM_PREFIX))


def _give_back(
    books: Books, payer: Payer, counted: str, window_us: int, difference_nusd: int
) -> None:
    """Return the difference to the accounts whose window held the charge."""
    for item in books.rooms.in_force:
        if not books.rooms.counts_in(item.budget, payer, counted):
            continue
        here = books.rooms.span(item.budget, window_us, payer)
        account = accounts.find(books.conn, item.budget.name, item.generation, here.key)
        if account is None:
            continue
        if item.budget.window.kind is WindowKind.ROLLING:
            accounts.add_charge(books.conn, account.id, window_us, difference_nusd)
        else:
            accounts.move(books.conn, account.id, spent_nusd=difference_nusd)
