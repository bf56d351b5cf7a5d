"""What a charge says in the ledger, and in which accounts of its hold it counts."""

import sqlite3
from collections.abc import Mapping, Sequence

from agentspend.bookkeeper.outcomes import Settlement
from agentspend.bookkeeper.rooms import Rooms
from agentspend.core.scopes import Payer
from agentspend.store import accounts
from agentspend.store.holds import Hold


def entry_words(
    settlement: Settlement, hold: Hold, kept: Mapping[str, object]
) -> dict[str, object]:
    """The words of a settle entry: what the response said, and what the hold knew."""
    return {
        "rid": hold.rid,
        "provider": kept["provider"],
        "model": kept["model"],
        "price": kept["price"],
        **{name: kept[name] for name in ("downgraded_from",) if name in kept},
        **settlement.entry,
        "amount_nusd": settlement.amount_nusd,
        "hold_nusd": kept["hold_nusd"],
        "held_at": hold.created_us,
        "billing": settlement.billing.value,
        "evidence": settlement.evidence,
        "counted": kept["counted"],
    }


def uncharged(
    conn: sqlite3.Connection, rooms: Rooms, held: Sequence[int], payer: Payer, counted: str
) -> dict[int, str]:
    """The accounts of a hold that its charge does not count in, with their budgets' names: those
    of models that did not answer. `payer` names the models that did."""
    in_force = {item.budget.name: item.budget for item in rooms.in_force}
    found = {}
    for account_id in held:
        name = accounts.by_id(conn, account_id).budget
        if name in in_force and not rooms.counts_in(in_force[name], payer, counted):
            found[account_id] = name
    return found
