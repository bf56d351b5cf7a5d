"""The server's own two logs: the journal of decisions, and the audit chain of people's acts."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from sqlalchemy import Connection, bindparam, insert, select, update

from agentspend.wire.canonical import canonical, parse
from sync_server.allowance.journal import Line, read_line, write_line
from sync_server.store.quick import Quick
from sync_server.store.tables import audit, journal, orgs

_DOMAIN = b"agentspend/audit/v1\n"
_NEW_LINE = Quick(insert(journal))
_ADVANCE = Quick(
    update(orgs)
    .where(orgs.c.id == bindparam("b_org"))
    .values(journal_seq=bindparam("b_journal_seq"))
)


def journal_lines(conn: Connection, org: str, after_seq: int = 0) -> list[tuple[int, Line]]:
    """The lines that follow a number, in order."""
    found = select(journal.c.seq, journal.c.line).where(
        journal.c.org == org, journal.c.seq > after_seq
    )
    rows = conn.execute(found.order_by(journal.c.seq))
    return [(row.seq, read_line(row.line)) for row in rows]


def append_journal(conn: Connection, org: str, after_seq: int, lines: Sequence[Line]) -> None:
    """Note lines as applied, in the transaction that applies them."""
    rows = [
        {"org": org, "seq": seq, "line": write_line(line)}
        for seq, line in enumerate(lines, after_seq + 1)
    ]
    if rows:
        _NEW_LINE.run_each(conn, rows)
        _ADVANCE.run(conn, {"b_org": org, "b_journal_seq": after_seq + len(rows)})


def audit_hash(body: str) -> str:
    """What the next record's `prev` must be."""
    return sha256(_DOMAIN + body.encode()).hexdigest()


def audit_record(end: tuple[int, str], now_us: int, act: Mapping[str, object]) -> str:
    """One more act: who did what to whom. `end` is the chain's last number and hash."""
    return canonical({"v": 1, "seq": end[0] + 1, "prev": end[1], "ts": now_us, **act}).decode()


def append_audit(conn: Connection, org: str, body: str) -> None:
    """Add a record to the chain; one that is there already changes nothing."""
    seq, head = int(parse(body.encode())["seq"]), audit_hash(body)
    ends = {"audit_seq": seq, "audit_hash": head}
    done = conn.execute(update(orgs).where(orgs.c.id == org, orgs.c.audit_seq < seq).values(ends))
    if done.rowcount:
        conn.execute(insert(audit), {"org": org, "seq": seq, "hash": head, "body": body})
