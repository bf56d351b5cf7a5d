"""Sessions: one per `agentspend run`, known by the hash of its token."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as stored; `body` is JSON: the payer, the run's pid, how it authenticates."""

    id: str
    token_hash: str
    body: bytes
    opened_us: int
    closed_us: int | None = None


def put(conn: sqlite3.Connection, session: SessionRow) -> None:
    """Open a session, or open it again after a restart."""
    conn.execute(
        "INSERT INTO session VALUES (?1,?2,?3,?4,NULL)"
        " ON CONFLICT (id) DO UPDATE SET token_hash = ?2, body = ?3, closed_us = NULL",
        (session.id, session.token_hash, session.body, session.opened_us),
    )


def set_body(conn: sqlite3.Connection, session_id: str, body: bytes) -> None:
    """What is known of an open session changed; its token did not."""
    conn.execute(
        "UPDATE session SET body = ? WHERE id = ? AND closed_us IS NULL", (body, session_id)
    )


def close(conn: sqlite3.Connection, session_id: str, closed_us: int) -> None:
    """End a session; its token is worthless from here on."""
    conn.execute(
        "UPDATE session SET closed_us = ? WHERE id = ? AND closed_us IS NULL",
        (closed_us, session_id),
    )


def all_open(conn: sqlite3.Connection) -> list[SessionRow]:
    """The sessions that have not ended, oldest first."""
    rows = conn.execute(
        "SELECT id, token_hash, body, opened_us, closed_us FROM session"
        " WHERE closed_us IS NULL ORDER BY opened_us"
    ).fetchall()
    return [SessionRow(*row) for row in rows]


Totals = tuple[int, int, int]
"""What a session did: (requests, billed nano-USD, subscription nano-USD at list price)."""

_TOTALS = (
    "count(*) FILTER (WHERE kind = 'settle'),"
    " coalesce(sum(amount_nusd) FILTER (WHERE counted = 'billed'), 0),"
    " coalesce(sum(amount_nusd) FILTER (WHERE counted = 'subscription'), 0)"
)


def totals(conn: sqlite3.Connection, session_id: str) -> Totals:
    """What one session did, also after it ended."""
    row: Totals = conn.execute(
        f"SELECT {_TOTALS} FROM entry WHERE session = ? AND session <> ''", (session_id,)
    ).fetchone()
    return row


def totals_of_open(conn: sqlite3.Connection) -> dict[str, Totals]:
    """What every open session did that did anything, by its id."""
    rows = conn.execute(
        f"SELECT session, {_TOTALS} FROM entry WHERE session <> '' AND session IN"
        " (SELECT id FROM session WHERE closed_us IS NULL) GROUP BY session"
    ).fetchall()
    return {row[0]: (row[1], row[2], row[3]) for row in rows}
