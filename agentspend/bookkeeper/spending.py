"""What reports are made of: pages of the sums in `store.spending`, and what is held meanwhile.

Not of the books, but of their connection: to open those of a long ledger takes longer than to add
up all of it.
"""

import sqlite3
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from agentspend.store import holds, spending


def opening(conn: sqlite3.Connection, zone: tzinfo, now_us: int) -> dict[str, Any]:
    """What a report begins with: now, the zone of the configuration, the quarters of an hour with
    the first and the last charge, and the real dollars of requests in flight."""
    held = [
        hold.amount_nusd
        for hold in holds.all_open(conn)
        if msgspec.json.decode(hold.body)["counted"] == "billed"
    ]
    return {
        "now_us": now_us,
        "zone": str(zone),
        "extent": spending.extent(conn),
        "held_nusd": sum(held),
        "held_requests": len(held),
    }


def page(
    conn: sqlite3.Connection, words: Sequence[str], since: int, until: int | None
) -> dict[str, Any]:
    """One page of sums: `names` are those of a row's words, its sums come after them; `next` is
    where the page after it begins."""
    asked = {"counted", *words}
    rows, following = spending.page(conn, asked, since, until)
    names = [name for name in spending.WORDS if name in asked]
    return {"names": names, "rows": rows, "next": following}
