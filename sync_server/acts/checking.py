"""`verify`: are all ledgers, what devices signed, the audit chain, and all kept sums whole?"""

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from agentspend.core.allowance.accounts import Account
from agentspend.wire import signing
from agentspend.wire.canonical import canonical
from agentspend.wire.chain import verify_chain
from sync_server.acts.act import Act, Done, Moment, Nothing, Role
from sync_server.store import ledgers, logs, spending
from sync_server.store.tables import accounts, audit, devices, incarnations, pools


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
    """Ledgers that do not link, do not end where they should, whose last report its device did
    not sign, or whose sums for reports are not theirs."""
    faults = []
    reported = spending.by_ledger(conn)
    asked = select(incarnations, devices.c.public_key).join(
        devices, devices.c.id == incarnations.c.device
    )
    for row in conn.execute(asked.order_by(incarnations.c.inc)).all():
        verdict = verify_chain(ledgers.bodies(conn, row.inc), inc=row.inc)
        counted = sum(verdict.totals.kinds.get(kind, 0) for kind in spending.COUNTED_KINDS)
        amount_nusd = verdict.totals.billed_nusd + verdict.totals.subscription_nusd
        if not verdict.ok:
            faults.append(f"ledger {row.inc}, entry {verdict.first_bad_seq}: {verdict.why}")
        elif (verdict.seq, verdict.head) != (row.seq, row.head):
            faults.append(f"ledger {row.inc} ends at {verdict.seq}, and should at {row.seq}")
        elif not _is_signed(conn, row):
            faults.append(f"ledger {row.inc}: its last report is not signed by {row.device}")
        elif reported.get(row.inc, (0, 0)) != (amount_nusd, counted):
            faults.append(f"ledger {row.inc}: what reports say of it is not the sum of its entries")
    return faults


def _is_signed(conn: Connection, row: Row[Any]) -> bool:
    """Whether the device signed the report that brought its ledger to this end."""
    sealed = ledgers.upload(conn, row.inc)
    if sealed is None:
        return bool(row.seq == 0)
    said = json.loads(sealed.body)
    same = (said["inc"], said["device"]) == (row.inc, row.device)
    return same and signing.verify(row.public_key, "sync", sealed.body, sealed.signature)


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
