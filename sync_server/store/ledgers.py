"""The devices' ledgers and what proves them: entries, signed reports, receipts, evidence."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from agentspend.core.allowance.messages import Answer, Sync
from agentspend.wire.team import Sealed
from sync_server.intake import Accepted
from sync_server.store.tables import entries, evidence, receipts, uploads

_WORDS = ("member", "device", "agent", "project", "branch", "provider", "model")
_HASHES = select(entries.c.seq, entries.c.hash).where(
    entries.c.inc == bindparam("inc"),
    entries.c.seq.between(bindparam("first"), bindparam("last")),
)
_FORGET_UPLOAD = delete(uploads).where(uploads.c.inc == bindparam("b_inc"))


def hashes(conn: Connection, sync: Sync, length: int) -> Callable[[int], str]:
    """Look up the hashes a merge of this report may ask for, out of `length` entries.

    Those of the entries that are sent again and of the end it claims; read in one go.
    """
    found = {0: ""}
    wanted = [(sync.after_seq, min(length, sync.after_seq + len(sync.entries)))]
    wanted.append((sync.end.seq, sync.end.seq))
    for first, last in wanted:
        if 0 < last <= length:
            where = {"inc": sync.inc, "first": first, "last": last}
            found |= {row.seq: row.hash for row in conn.execute(_HASHES, where)}
    return found.__getitem__


def append(conn: Connection, inc: str, accepted: Sequence[Accepted]) -> None:
    """Store new entries, and draw from each what reports ask for."""
    if accepted:
        conn.execute(insert(entries), [_row(inc, entry) for entry in accepted])


def _row(inc: str, entry: Accepted) -> dict[str, Any]:
    said = entry.fields
    row = {name: said.get(name, "") for name in _WORDS}
    return {
        **row,
        "inc": inc,
        "seq": entry.seq,
        "hash": entry.hash,
        "body": entry.body.decode(),
        "kind": said["kind"],
        "ts_us": said["ts"],
        "amount_nusd": said.get("amount_nusd", 0),
        "counted": said.get("counted", ""),
    }


def bodies(conn: Connection, inc: str, after_seq: int = 0) -> Iterator[bytes]:
    """A ledger's entries in order, for verification and export."""
    found = select(entries.c.body).where(entries.c.inc == inc, entries.c.seq > after_seq)
    for row in conn.execute(found.order_by(entries.c.seq)).yield_per(500):
        yield row.body.encode()


def keep_upload(conn: Connection, sync: Sync, sealed: Sealed, seq: int) -> None:
    """Remember the report that brought a ledger to this entry, instead of the one before."""
    conn.execute(_FORGET_UPLOAD, {"b_inc": sync.inc})
    conn.execute(insert(uploads), {"inc": sync.inc, "seq": seq, **_sealed(sealed)})


def keep_evidence(conn: Connection, sync: Sync, sealed: Sealed, now_us: int) -> None:
    """Keep a report that contradicts what we have: its device signed it."""
    conn.execute(insert(evidence), {"inc": sync.inc, "at_us": now_us, **_sealed(sealed)})


def keep_receipt(conn: Connection, answer: Answer, sealed: Sealed) -> None:
    """Keep what we signed, whenever it says something new."""
    row = {"inc": answer.inc, "server_seq": answer.server_seq, "seq": answer.acked.seq}
    conn.execute(insert(receipts), {**row, **_sealed(sealed)})


def _sealed(sealed: Sealed) -> dict[str, object]:
    return {"body": sealed.body.decode(), "signature": sealed.signature}
