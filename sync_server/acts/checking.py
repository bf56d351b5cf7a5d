"""`verify`: are all ledgers, what devices signed, the audit chain, and all kept sums whole?"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from agentspend.core.allowance.accounts import Account
from agentspend.wire import signing
from agentspend.wire.canonical import MAX_INT, NotCanonical, canonical, parse
from agentspend.wire.chain import ChainCheck, Verdict
from agentspend.wire.entries import entry_hash
from sync_server.acts.act import Act, Done, Moment, NotFound
from sync_server.acts.looking import Us
from sync_server.roles import Role
from sync_server.store import ledgers, logs, spending
from sync_server.store.tables import accounts, audit, devices, incarnations, pools

PART = 10_000
"""How many entries are checked while nobody else is served: a tenth of a second."""
PAGE = 500
_LEDGER = (
    select(incarnations, devices.c.public_key)
    .join(devices, devices.c.id == incarnations.c.device)
    .where(incarnations.c.inc == bindparam("inc"))
)


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """A ledger from an entry on, and what was found of it so far: `counted` charges that add up
    to `amount_nusd`."""

    inc: Annotated[str, msgspec.Meta(max_length=80)]
    after_seq: Us = 0
    after_hash: Annotated[str, msgspec.Meta(max_length=64)] = ""
    amount_nusd: Annotated[int, msgspec.Meta(ge=-MAX_INT, le=MAX_INT)] = 0
    counted: Us = 0


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`checked` are the ends of the ledgers that were checked part by part; None checks them all
    at once."""

    checked: list[Part] | None = None


class Found(NamedTuple):
    """How far one part goes, whether that is the ledger's end, and what is wrong ("": nothing)."""

    part: Part
    ends: bool
    fault: str = ""


def _verify(conn: Connection, org: Row[Any], told: Asked, _moment: Moment) -> Done:
    ends, faults = told.checked, list[str]()
    if ends is None:
        ends, faults = _all_ledgers(conn)
    faults += [*_sum_faults(conn, ends), *_audit_faults(conn, org), *_pool_faults(conn)]
    counted = conn.execute(select(incarnations.c.seq)).scalars().all()
    answer = {
        "ok": not faults,
        "ledgers": len(counted),
        "entries": sum(counted),
        "acts": org.audit_seq,
        "faults": faults,
    }
    return Done(answer)


def _verify_ledger(conn: Connection, _org: Row[Any], told: Part, _moment: Moment) -> Done:
    if conn.execute(_LEDGER, {"inc": told.inc}).one_or_none() is None:
        raise NotFound(f"there is no ledger {told.inc!r}", "agentspend-server device list")
    return Done(msgspec.to_builtins(_checked(conn, told)._asdict()))


def _all_ledgers(conn: Connection) -> tuple[list[Part], list[str]]:
    """The ends of the ledgers that are whole, and what is wrong with the others."""
    ends, faults = [], []
    for inc in conn.execute(select(incarnations.c.inc).order_by(incarnations.c.inc)).scalars():
        found = _checked(conn, Part(inc))
        while not found.ends:
            found = _checked(conn, found.part)
        if found.fault:
            faults.append(found.fault)
        else:
            ends.append(found.part)
    return ends, faults


def _checked(conn: Connection, part: Part) -> Found:
    """Check that the next entries link; at the end, that the ledger ends where it should, and
    that its device signed the last report."""
    row = conn.execute(_LEDGER, {"inc": part.inc}).one()
    chain = ChainCheck(inc=part.inc, after_seq=part.after_seq, after_hash=part.after_hash)
    place, met = part.after_seq, 0
    while met < PART and (bodies := ledgers.page(conn, part.inc, place, PAGE)):
        said, _ = chain.feed(bodies)
        if len(said) < len(bodies):
            return Found(part, True, f"ledger {part.inc}, {_fault(conn, row, chain.verdict())}")
        place, met = place + len(bodies), met + len(bodies)
    verdict = chain.verdict()
    charges = sum(verdict.totals.kinds.get(kind, 0) for kind in spending.COUNTED_KINDS)
    now = Part(
        part.inc, verdict.seq, verdict.head,
        part.amount_nusd + verdict.totals.billed_nusd + verdict.totals.subscription_nusd,
        part.counted + charges,
    )  # fmt: skip
    if met >= PART:
        return Found(now, False)
    wrong = ""
    if now.after_seq != row.seq:
        wrong = f"ledger {part.inc} ends at {now.after_seq}, and should at {row.seq}"
    elif now.after_hash != row.head:
        wrong = f"ledger {part.inc}, entry {row.seq}: it was changed after it was reported"
    elif not _is_signed(conn, row):
        wrong = f"ledger {part.inc}: its last report is not signed by {row.device}"
    return Found(now, True, wrong)


def _sum_faults(conn: Connection, ends: Sequence[Part]) -> list[str]:
    """Ledgers whose sums for reports are not theirs; those that have grown since are left out."""
    reported = spending.by_ledger(conn)
    rows = conn.execute(select(incarnations.c.inc, incarnations.c.seq))
    now = {row.inc: row.seq for row in rows}
    return [
        f"ledger {end.inc}: what reports say of it is not the sum of its entries"
        for end in ends
        if now.get(end.inc) == end.after_seq
        and reported.get(end.inc, (0, 0)) != (end.amount_nusd, end.counted)
    ]


def _fault(conn: Connection, row: Row[Any], verdict: Verdict) -> str:
    """Which entry is bad, and why.

    A link that does not hold was changed at either end. Where its later entry is the very one that
    the next names, the earlier was changed.
    """
    bad = verdict.seq + 1
    near = ledgers.page(conn, row.inc, verdict.seq, 2)
    named = _prev(near[1]) if len(near) == 2 else row.head
    if verdict.seq and near and entry_hash(near[0]) == named and _prev(near[0]) != verdict.head:
        return f"entry {verdict.seq}: it was changed, for entry {bad} names another hash of it"
    return f"entry {bad}: {verdict.why}"


def _prev(body: bytes) -> str:
    """Which entry a body links to; "" where it says none."""
    try:
        said = parse(body)
    except NotCanonical:
        return ""
    return str(said.get("prev")) if isinstance(said, dict) else ""


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
        Asked,
        _verify,
        "Check all ledgers, the audit chain, the sums",
        looks=True,
    ),
    Act(
        "verify.ledger",
        Role.LEAD,
        Part,
        _verify_ledger,
        "Check a part of one ledger",
        looks=True,
    ),
)
