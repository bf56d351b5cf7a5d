"""Ledger entries: append, read back in pages, and add up by scope and window."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from agentspend.core.limits import READ_PAGE_ROWS
from agentspend.core.scopes import NamesModel, Payer, Scope, glob, same_text
from agentspend.core.windows import Span

COLUMNS = (
    "seq, hash, body, kind, ts_us, window_us, amount_nusd, counted, rid, member, device, agent,"
    " session, subagent, project, branch, key, provider, model, tags, team"
)
_INSERT = f"INSERT INTO entry ({COLUMNS}) VALUES ({', '.join('?' * 21)})"
_NOBODY = Payer()
_EVERYTHING = Scope()
_OTHERS = """CASE WHEN instr(tags, '"model=') THEN tags ELSE '' END"""
"""The tags of a charge that may name a model besides its own: few have any."""


class Row(msgspec.Struct, frozen=True):
    """One entry as stored: the signed bytes, and the columns reports search by.

    `window_us` is the moment whose windows the amount counts in (when its hold was made).
    """

    seq: int
    hash: str
    body: bytes
    kind: str
    ts_us: int
    window_us: int
    amount_nusd: int = 0
    counted: str = ""
    rid: str = ""
    payer: Payer = _NOBODY


def append(conn: sqlite3.Connection, row: Row) -> None:
    """Write one entry; a taken `seq` raises `sqlite3.IntegrityError`."""
    payer = row.payer
    conn.execute(
        _INSERT,
        (
            row.seq, row.hash, row.body, row.kind, row.ts_us, row.window_us, row.amount_nusd,
            row.counted, row.rid, payer.member, payer.device, payer.agent, payer.session,
            payer.subagent, payer.project, payer.branch, payer.key, payer.provider, payer.model,
            json.dumps(payer.tags) if payer.tags else "[]", payer.team,
        ),
    )  # fmt: skip


def head(conn: sqlite3.Connection) -> tuple[int, str]:
    """The last entry's sequence number and hash; (0, "") for an empty ledger."""
    found = conn.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
    return (found[0], found[1]) if found else (0, "")


def latest_us(conn: sqlite3.Connection) -> int:
    """The latest moment the ledger knows of: time never moves back behind it.

    Of the entries the last one tells it, since none is written earlier than one before it.
    """
    found = conn.execute(
        "SELECT max(coalesce((SELECT ts_us FROM entry ORDER BY seq DESC LIMIT 1), 0),"
        " (SELECT coalesce(max(created_us), 0) FROM hold),"
        " (SELECT coalesce(max(starts_us), 0) FROM account))"
    ).fetchone()
    return int(found[0])


def seq_before(conn: sqlite3.Connection, window_us: int) -> int:
    """The sequence number before the first charge that counts from this moment on."""
    found = conn.execute(
        "SELECT min(seq) FROM entry WHERE window_us >= ? AND amount_nusd <> 0", (window_us,)
    ).fetchone()[0]
    return int(found) - 1 if found else head(conn)[0]


def page(
    conn: sqlite3.Connection, after_seq: int, count: int = READ_PAGE_ROWS
) -> list[tuple[int, str, bytes]]:
    """Up to `count` entries after a sequence number: (seq, hash, body)."""
    return conn.execute(
        "SELECT seq, hash, body FROM entry WHERE seq > ? ORDER BY seq LIMIT ?", (after_seq, count)
    ).fetchall()


def newest(
    conn: sqlite3.Connection, count: int, *, session: str = "", agent: str = ""
) -> list[tuple[int, str, bytes]]:
    """The last `count` entries, oldest first; only those of a session or agent where given."""
    where, values = ["1"], list[object]()
    for column, value in (("session", session), ("agent", agent)):
        if value:
            where.append(f"{column} = ?")
            values.append(value)
    sql = f"SELECT seq, hash, body FROM entry WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?"
    return conn.execute(sql, (*values, count)).fetchall()[::-1]


def bodies(conn: sqlite3.Connection) -> Iterator[bytes]:
    """Every entry's bytes in order, one page at a time."""
    after = 0
    while rows := page(conn, after):
        yield from (row[2] for row in rows)
        after = rows[-1][0]


def last_of_kind(conn: sqlite3.Connection, kind: str) -> bytes | None:
    """The newest entry of a kind."""
    found = conn.execute(
        "SELECT body FROM entry WHERE kind = ? ORDER BY seq DESC LIMIT 1", (kind,)
    ).fetchone()
    return bytes(found[0]) if found else None


def of_request(conn: sqlite3.Connection, rid: str) -> list[bytes]:
    """The entries of one request, oldest first: its settle and any adjust."""
    found = conn.execute("SELECT body FROM entry WHERE rid = ? ORDER BY seq", (rid,)).fetchall()
    return [bytes(row[0]) for row in found]


def by_seq(conn: sqlite3.Connection, seq: int) -> bytes | None:
    """One entry's bytes."""
    found = conn.execute("SELECT body FROM entry WHERE seq = ?", (seq,)).fetchone()
    return bytes(found[0]) if found else None


@dataclass(frozen=True, slots=True)
class Part:
    """Which charges to add up: those of a scope, all of them or the billed ones alone.

    `teams` are those that paid, () for any; "" is a charge from before one was written down.
    """

    scope: Scope = _EVERYTHING
    names_model: NamesModel = same_text
    billed_only: bool = False
    teams: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """The patterns of models, which SQL cannot read: the ledger keeps names as sent."""
        return tuple(pattern for key, pattern in self.scope.terms if key == "model")

    def has_model(self, provider: str, model: str, tags: str) -> bool:
        """Whether a charge counts by its model, or by one that its tags (JSON, or "") name."""
        found = json.loads(tags) if tags else ()
        names = Payer(model=model, tags=tuple(found)).names("model")
        return all(
            any(self.names_model(pattern, provider, name) for name in names)
            for pattern in self.models
        )


def spent_nusd(conn: sqlite3.Connection, part: Part, span: Span) -> int:
    """What the ledger holds for a part in a span: a new budget starts from here."""
    where, values = _part_sql(part)
    for name, value in span.who:
        where.append(f"{name} = ? AND {name} <> ''" if value else f"{name} = ?")
        values.append(value)
    if not span.who:
        where.append("window_us >= ?")
        values.append(span.starts_us)
        if span.ends_us is not None:
            where.append("window_us < ?")
            values.append(span.ends_us)
    if not part.models:
        sql = f"SELECT coalesce(sum(amount_nusd), 0) FROM entry WHERE {' AND '.join(where)}"
        return int(conn.execute(sql, values).fetchone()[0])
    sql = (
        f"SELECT provider, model, {_OTHERS}, sum(amount_nusd) FROM entry"
        f" WHERE {' AND '.join(where)} GROUP BY 1, 2, 3"
    )
    return sum(row[3] for row in conn.execute(sql, values) if part.has_model(*row[:3]))


def charges(conn: sqlite3.Connection, part: Part, starts_us: int) -> list[tuple[int, int]]:
    """The single charges of a part after a moment, for rolling windows: (window_us, nano-USD)."""
    where, values = _part_sql(part)
    where.append("window_us > ?")
    values.append(starts_us)
    sql = (
        f"SELECT provider, model, {_OTHERS}, window_us, amount_nusd FROM entry"
        f" WHERE {' AND '.join(where)}"
    )
    return [row[3:] for row in conn.execute(sql, values) if part.has_model(*row[:3])]


def _part_sql(part: Part) -> tuple[list[str], list[object]]:
    """The terms besides the model's as SQL; keys come from `scopes.KEYS`, never from outside."""
    where, values = ["amount_nusd <> 0"], list[object]()
    if part.billed_only:
        where.append("counted = 'billed'")
    if part.teams:
        where.append(f"team IN ({', '.join('?' * len(part.teams))})")
        values += part.teams
    for key, pattern in part.scope.terms:
        if key == "tag":
            where.append("EXISTS (SELECT 1 FROM json_each(entry.tags) WHERE value GLOB ?)")
            values.append(glob(pattern))
        elif key == "project":
            tagged = "EXISTS (SELECT 1 FROM json_each(entry.tags) WHERE value = ?)"
            where.append(f"(project = ? OR {tagged})")
            values += [pattern, f"project={pattern}"]
        elif key != "model":
            where.append(f"{key} = ?")
            values.append(pattern)
    return where, values
