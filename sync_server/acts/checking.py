"""`verify`: are all ledgers, the audit chain and the sums of the pools whole?"""

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from agentspend.core.allowance.accounts import Account
from agentspend.wire.canonical import canonical
from agentspend.wire.chain import verify_chain
from sync_server.acts.act import Act, Done, Moment, Nothing, Role
from sync_server.store import ledgers, logs
from sync_server.store.tables import accounts, audit, incarnations, pools


def _verify(conn: Connection, org: Row[Any], _told: Nothing, _moment: Moment) -> Done:
    faults = [*_ledger_faults(conn), *_audit_faults(conn, org), *_pool_faults(conn)]
    counted = conn.execute(select(incarnations.c.seq)).scalars().all()
    answer = {
        "ok": not faults,
        "ledgers": len(counted),
        "entries": sum(counted),
        "acts": org.audit_seq,
        "faults": faults,
    }
    return Done(answer)


def _ledger_faults(conn: Connection) -> list[str]:
    """Ledgers that do not link, or do not end where their device signed."""
    faults = []
    for row in conn.execute(select(incarnations).order_by(incarnations.c.inc)).all():
        verdict = verify_chain(ledgers.bodies(conn, row.inc), inc=row.inc)
        if not verdict.ok:
            faults.append(f"ledger {row.inc}, entry {verdict.first_bad_seq}: {verdict.why}")
        elif (verdict.seq, verdict.head) != (row.seq, row.head):
            faults.append(f"ledger {row.inc} ends at {verdict.seq}, and should at {row.seq}")
    return faults


def _audit_faults(conn: Connection, org: Row[Any]) -> list[str]:
    seq, head = 0, ""
    rows = conn.execute(select(audit).where(audit.c.org == org.id).order_by(audit.c.seq))
    for row in rows:
        said = json.loads(row.body)
        whole = (
            (row.seq, said.get("seq"), said.get("prev")) == (seq + 1, seq + 1, head)
            and canonical(said).decode() == row.body
            and logs.audit_hash(row.body) == row.hash
        )
        if not whole:
            return [f"audit chain, act {seq + 1}: it was changed, or the one before is missing"]
        seq, head = row.seq, row.hash
    if (seq, head) != (org.audit_seq, org.audit_hash):
        return [f"the audit chain ends at {seq}, and should at {org.audit_seq}"]
    return []


def _pool_faults(conn: Connection) -> list[str]:
    """Pools whose kept sums are not those of their accounts, counted again."""
    sums: dict[str, list[int]] = {}
    running = {row.id: row for row in conn.execute(select(pools))}
    for row in conn.execute(select(accounts)):
        account = Account(row.granted_nusd, row.returned_nusd, row.used_nusd,
                          closed=row.closed, written_off=row.written_off)  # fmt: skip
        found = sums.setdefault(row.pool, [0, 0, 0])
        if row.running == running[row.pool].running:
            found[0] += account.committed_nusd
            found[1] += account.outstanding_nusd
        else:
            found[2] += account.outstanding_nusd
    return [
        f"pool {name}: its sums are not those of its accounts"
        for name, pool in running.items()
        if [pool.committed_nusd, pool.outstanding_nusd, pool.past_nusd] != sums.get(name, [0, 0, 0])
    ]


ACTS = (
    Act(
        "verify",
        Role.LEAD,
        Nothing,
        _verify,
        "Check all ledgers, the audit chain, the sums",
        looks=True,
    ),
)
