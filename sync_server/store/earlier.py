"""What the ledgers hold already in the window of a pool that begins: a new cap counts it (§6).

Read from the entries, those of the window only (`spending` says from which number on), so that a
cap that is set on the first of the month reads little, and one at its end the month.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, func, select

from agentspend.wire.entry_reader import Read, read_entry
from sync_server.allowance.pools import PoolState
from sync_server.store.cases import belonging, terms
from sync_server.store.spending import HOUR_US
from sync_server.store.tables import (
    accounts,
    devices,
    entries,
    incarnations,
    members,
    memberships,
    orgs,
    pools,
    spending,
)
from sync_server.unheld import counts


def begins(conn: Connection, row: Mapping[str, Any]) -> bool:
    """Whether this row begins a pool: it is new, or was taken away before."""
    if not row["active"]:
        return False
    known = conn.execute(select(pools.c.active).where(pools.c.id == row["id"])).one_or_none()
    return known is None or not known.active


def ends(conn: Connection, row: Mapping[str, Any]) -> bool:
    """Whether this row takes a pool away."""
    if row["active"]:
        return False
    known = conn.execute(select(pools.c.active).where(pools.c.id == row["id"])).one_or_none()
    return known is not None and bool(known.active)


def counted(conn: Connection, state: PoolState) -> PoolState:
    """The pool with what was spent in its running window, by all ledgers, without its rights.

    It stands beside what was spent with rights of earlier windows.
    """
    return replace(state, late_nusd=state.late_nusd + _spent_nusd(conn, state))


def uncounted(conn: Connection, state: PoolState) -> PoolState:
    """The pool as it is taken away: should it be set again, all of this is counted anew."""
    return replace(state, late_nusd=max(0, state.late_nusd - _spent_nusd(conn, state)))


def _spent_nusd(conn: Connection, state: PoolState) -> int:
    row = conn.execute(select(pools).where(pools.c.id == state.id)).one()
    zone = conn.execute(select(orgs.c.zone).where(orgs.c.id == row.org)).scalar_one()
    at_us = 0 if state.ends_us is None else state.ends_us - 1
    here = terms(row, at_us, zone)
    starts_us = 0 if state.ends_us is None else here.starts_us
    found = replace(here, starts_us=starts_us)
    owners = _owners(conn) if row.team is not None else {}
    windows = _windows(conn, state.id)
    return sum(
        said.charged_nusd
        for inc, member, home, first_seq in _ledgers(conn, row, starts_us)
        for belongs in [replace(belonging(conn, member, home), owners=owners)]
        for said in _said(conn, inc, first_seq)
        if counts(said, state.id, found, belongs, windows[inc])
    )


def _windows(conn: Connection, pool: str) -> defaultdict[str, set[int]]:
    """In which windows each ledger has an account there. A right where it has none holds nothing:
    it was reported while the pool was taken away."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    asked = select(accounts.c.inc, accounts.c.running).where(accounts.c.pool == pool)
    for inc, window in conn.execute(asked):
        found[inc].add(window)
    return found


def _owners(conn: Connection) -> dict[str, str]:
    """Whose alone each pool is that is a team's."""
    asked = select(pools.c.id, pools.c.team).where(pools.c.team.is_not(None))
    return {row.id: row.team for row in conn.execute(asked)}


def _ledgers(conn: Connection, row: Row[Any], starts_us: int) -> list[tuple[str, str, str, int]]:
    """The ledgers of who pays into a pool, or did before they left its team: whose each is, their
    home team, its first entry of the window's hours."""
    asked = (
        select(spending.c.inc, members.c.id, members.c.team, func.min(spending.c.first_seq))
        .join(incarnations, incarnations.c.inc == spending.c.inc)
        .join(devices, devices.c.id == incarnations.c.device)
        .join(members, members.c.id == devices.c.member)
        .where(spending.c.hour >= starts_us // HOUR_US, members.c.org == row.org)
        .group_by(spending.c.inc, members.c.id, members.c.team)
    )
    if row.team is not None:
        inside = select(memberships.c.member).where(memberships.c.team == row.team)
        asked = asked.where(members.c.id.in_(inside))
    if row.member is not None:
        asked = asked.where(members.c.id == row.member)
    device = json.loads(row.scope).get("device")
    if device:
        asked = asked.where(devices.c.id == device)
    return [(inc, member, home, int(seq)) for inc, member, home, seq in conn.execute(asked)]


def _said(conn: Connection, inc: str, first_seq: int) -> Iterator[Read]:
    where = (entries.c.inc == inc, entries.c.seq >= first_seq)
    for body in conn.execute(select(entries.c.body).where(*where)).scalars():
        yield read_entry(body.encode())
