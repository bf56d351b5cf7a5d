"""A developer at a cap asks for more: one row for each question, however often it arrives.

A question is about the window it was asked in: when that is over, nobody waits for its answer.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, RowMapping, and_, select

from agentspend.core.allowance.messages import RaiseRequest
from agentspend.core.allowance.pools import index_of
from agentspend.core.errors import AgentspendError
from agentspend.core.printable import clean
from agentspend.core.windows import Window, WindowKind
from sync_server.allowance.journal import Filed
from sync_server.allowance.pools import PoolState
from sync_server.store import cases
from sync_server.store.tables import IN_TEAM, members, pools, requests

MOST_OPEN = 20
MOST_REASON = 500
WAITS = and_(
    requests.c.status == "open", IN_TEAM, members.c.active.is_(True), pools.c.active.is_(True)
)
"""A question that somebody is still there to hear the answer to, of a cap that is still in force;
beside the tables of its pool, its device and that one's member."""
OVER = "over"
"""What a device hears of an open question whose window has ended."""


class NotAskable(AgentspendError):
    """There is no such cap above this device, or too much is asked for."""


def asked(
    conn: Connection, org: Row[Any], ask: RaiseRequest, now_us: int
) -> tuple[Filed | None, dict[str, object]]:
    """The line that notes a question, None when it is noted; and the answer.

    Raises `NotAskable`.
    """
    name = "r_" + sha256(f"{ask.device} {ask.nonce}".encode()).hexdigest()[:12]
    known = conn.execute(select(requests).where(requests.c.id == name)).one_or_none()
    if known is not None:
        is_over = known.status == "open" and not any(
            row["id"] == name for row in _waiting(conn, org, ask.device)
        )
        status = OVER if is_over else known.status
        return None, {"id": known.id, "status": status, "pool": known.pool}
    above = cases.pools_above(conn, org.id, ask.device)
    states = {row.id: cases.state_of(row) for row in above.rows}
    if ask.amount_nusd <= 0 or not states or (ask.pool and ask.pool not in states):
        raise NotAskable(
            f"there is no cap {ask.pool!r} above this device" if ask.pool
            else "there is no cap above this device, or nothing is asked for",
            f"caps: {', '.join(states) or 'none'}",
        )  # fmt: skip
    waiting = _waiting(conn, org, ask.device)
    if len(waiting) >= MOST_OPEN:
        raise NotAskable(f"{len(waiting)} questions of this device are open", "wait for a lead")
    pool = ask.pool or _tightest(above, states)
    row = {
        "id": name, "org": org.id, "device": ask.device, "pool": pool,
        "amount_nusd": ask.amount_nusd, "reason": clean(ask.reason[:MOST_REASON]), "status": "open",
        "asked_us": now_us, "decided_us": None, "decided_by": "",
    }  # fmt: skip
    return Filed("request", row), {"id": name, "status": "open", "pool": pool}


def still_asked(pool: Mapping[Any, Any], asked_us: int, zone: str) -> bool:
    """Whether the window of a pool still runs that a question was asked in.

    `pool` has the `kind` of its windows and the one that is `running`.
    """
    index, _ = index_of(Window(WindowKind(pool["kind"])), asked_us, ZoneInfo(zone))
    return index >= int(pool["running"])


def _waiting(conn: Connection, org: Row[Any], device: str) -> list[RowMapping]:
    """The questions of a device that wait for a lead."""
    open_ones = (
        select(requests.c.id, requests.c.asked_us, pools.c.kind, pools.c.running)
        .join(pools, pools.c.id == requests.c.pool)
        .where(requests.c.device == device, requests.c.status == "open", pools.c.active.is_(True))
    )
    return [
        row
        for row in conn.execute(open_ones).mappings()
        if still_asked(row, row["asked_us"], org.zone)
    ]


def _tightest(above: cases.Above, states: dict[str, PoolState]) -> str:
    """The pool with the least left, of those that all requests for the home team count in."""
    home = [row for row in above.rows if row.team in (None, above.belongs.home)]
    always = [row.id for row in home if set(json.loads(row.scope)) <= {"member", "device"}]
    return min(always or states, key=lambda name: (states[name].available_nusd, name))
