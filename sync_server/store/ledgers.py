"""The devices' ledgers and what proves them: entries, signed reports, receipts, evidence."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from agentspend.core.allowance.messages import Answer, Link, Sync
from agentspend.wire.canonical import canonical, parse
from agentspend.wire.entries import entry_hash
from agentspend.wire.team import Sealed, write
from sync_server.allowance.intake import Accepted
from sync_server.store.quick import Quick
from sync_server.store.tables import entries, evidence, receipts, uploads

_BODIES = select(entries.c.seq, entries.c.body).where(
    entries.c.inc == bindparam("inc"),
    entries.c.seq.between(bindparam("first"), bindparam("last")),
)
_PAGE = Quick(
    text("SELECT body FROM entry WHERE inc = :inc AND seq > :after ORDER BY seq LIMIT :count")
)
_NEW_ENTRIES = text(
    "INSERT INTO entry (inc, seq, body) SELECT :inc, :after + place, body"
    " FROM unnest(CAST(:bodies AS text[])) WITH ORDINALITY AS sent (body, place)"
)
"""All of a report in one statement, on PostgreSQL."""
_LAST_EVIDENCE = select(func.max(evidence.c.at_us)).where(evidence.c.inc == bindparam("inc"))
_NEW_UPLOAD, _RECEIPT = insert(uploads), Quick(insert(receipts))
_KEEP_UPLOAD = Quick(
    update(uploads)
    .where(uploads.c.inc == bindparam("b_inc"))
    .values({name: bindparam(name) for name in ("seq", "body", "signature")})
)


def hashes(conn: Connection, sync: Sync, end: Link) -> Callable[[int], str]:
    """Look up the hashes a merge of this report may ask for, in a ledger that ends so.

    Those of the entries that are sent again and of the end it claims; read in one go.
    """
    found = {0: "", end.seq: end.hash}
    wanted = [(sync.after_seq, min(end.seq, sync.after_seq + len(sync.entries)))]
    wanted.append((sync.end.seq, sync.end.seq))
    for first, last in wanted:
        if 0 < last <= end.seq and (first, last) != (end.seq, end.seq):
            where = {"inc": sync.inc, "first": first, "last": last}
            rows = conn.execute(_BODIES, where)
            found |= {row.seq: entry_hash(row.body.encode()) for row in rows}
    return found.__getitem__


def append(conn: Connection, inc: str, accepted: Sequence[Accepted]) -> None:
    """Store new entries.

    Handed to the driver as they are: SQLAlchemy's own handling of 200 rows costs as much as
    writing them.
    """
    if not accepted:
        return
    if conn.dialect.paramstyle == "qmark":
        rows = [(inc, said.seq, body) for body, said, _ in accepted]
        conn.exec_driver_sql("INSERT INTO entry (inc, seq, body) VALUES (?, ?, ?)", rows)
    else:
        bodies = [entry.body for entry in accepted]
        after = accepted[0].said.seq - 1
        conn.execute(_NEW_ENTRIES, {"inc": inc, "after": after, "bodies": bodies})


def page(conn: Connection, inc: str, after_seq: int, count: int) -> list[bytes]:
    """The entries of a ledger that follow a number, at most so many: for verification."""
    found = _PAGE.rows(conn, {"inc": inc, "after": after_seq, "count": count})
    return [row[0].encode() for row in found]


def keep_upload(conn: Connection, sync: Sync, sealed: Sealed, seq: int) -> None:
    """Remember the report that brought a ledger to this entry, instead of the one before.

    Without its entries, which are in the ledger: `upload` puts them back.
    """
    kept = Sealed(write(replace(sync, entries=())), sealed.signature)
    row = {"seq": seq, **_sealed(kept)}
    if _KEEP_UPLOAD.run(conn, {"b_inc": sync.inc, **row}) == 0:
        conn.execute(_NEW_UPLOAD, {"inc": sync.inc, **row})


def upload(conn: Connection, inc: str) -> Sealed | None:
    """The last report that brought a ledger forward, as its device signed it."""
    row = conn.execute(select(uploads).where(uploads.c.inc == inc)).one_or_none()
    if row is None:
        return None
    told = parse(row.body.encode())
    if not told["entries"]:
        sent = (entries.c.inc == inc, entries.c.seq > told["after_seq"], entries.c.seq <= row.seq)
        found = conn.execute(select(entries.c.body).where(*sent).order_by(entries.c.seq))
        told["entries"] = list(found.scalars())
    return Sealed(canonical(told), row.signature)


def keep_evidence(conn: Connection, sync: Sync, sealed: Sealed, now_us: int) -> None:
    """Keep a report that contradicts what we have: its device signed it."""
    last_us = conn.execute(_LAST_EVIDENCE, {"inc": sync.inc}).scalar_one()
    at_us = now_us if last_us is None else max(now_us, last_us + 1)
    conn.execute(insert(evidence), {"inc": sync.inc, "at_us": at_us, **_sealed(sealed)})


def proved(conn: Connection, inc: str) -> frozenset[str]:
    """The hashes of all entries in the reports that contradict a ledger."""
    kept = conn.execute(select(evidence.c.body).where(evidence.c.inc == inc)).scalars()
    return frozenset(
        entry_hash(entry.encode()) for body in kept for entry in parse(body.encode())["entries"]
    )


def keep_receipt(conn: Connection, answer: Answer, sealed: Sealed) -> None:
    """Keep what we signed, whenever it says something new."""
    row = {"inc": answer.inc, "server_seq": answer.server_seq, "seq": answer.acked.seq}
    _RECEIPT.run(conn, {**row, **_sealed(sealed)})


def _sealed(sealed: Sealed) -> dict[str, object]:
    return {"body": sealed.body.decode(), "signature": sealed.signature}
