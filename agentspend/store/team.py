"""What this device knows of its team: membership, standing, its own chain of reports, its rights.

A right is a row of `account` like a budget's, so that holding and settling are one mechanism; what
is the team protocol's own (granted, returned, closed) stands beside it.
"""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RightRow:
    """The rights of one incarnation in one window of one pool; amounts in nano-USD."""

    account: int
    inc: str
    pool: str
    window: int
    granted_nusd: int
    returned_nusd: int
    closed: bool


def read(conn: sqlite3.Connection, key: str) -> bytes | None:
    """One of the words kept about the team, as JSON."""
    found = conn.execute("SELECT body FROM team WHERE key = ?", (key,)).fetchone()
    return bytes(found[0]) if found else None


def write(conn: sqlite3.Connection, key: str, body: bytes) -> None:
    """Keep a word about the team."""
    conn.execute(
        "INSERT INTO team VALUES (?,?) ON CONFLICT (key) DO UPDATE SET body = excluded.body",
        (key, body),
    )


def forget(conn: sqlite3.Connection) -> None:
    """Leave the team: membership and standing go, what was reported and spent stays."""
    conn.execute("DELETE FROM team")


def append(conn: sqlite3.Connection, inc: str, seq: int, digest: str, body: bytes) -> None:
    """Write one report; a taken number raises `sqlite3.IntegrityError`."""
    conn.execute("INSERT INTO team_entry VALUES (?,?,?,?)", (inc, seq, digest, body))


def end(conn: sqlite3.Connection, inc: str) -> tuple[int, str]:
    """The last report's number and hash; (0, "") for none."""
    found = conn.execute(
        "SELECT seq, hash FROM team_entry WHERE inc = ? ORDER BY seq DESC LIMIT 1", (inc,)
    ).fetchone()
    return (int(found[0]), str(found[1])) if found else (0, "")


def hash_at(conn: sqlite3.Connection, inc: str, seq: int) -> str:
    """The hash of one report; "" for none."""
    found = conn.execute(
        "SELECT hash FROM team_entry WHERE inc = ? AND seq = ?", (inc, seq)
    ).fetchone()
    return str(found[0]) if found else ""


def after(
    conn: sqlite3.Connection, inc: str, seq: int, count: int, most_bytes: int = 1 << 30
) -> list[bytes]:
    """Up to `count` reports after a number, in order; of long ones fewer, but one at least."""
    rows = conn.execute(
        "SELECT body FROM team_entry WHERE inc = ? AND seq > ? ORDER BY seq LIMIT ?",
        (inc, seq, count),
    )
    found: list[bytes] = []
    for (body,) in rows:
        most_bytes -= len(body)
        if found and most_bytes < 0:
            break
        found.append(bytes(body))
    return found


def right(conn: sqlite3.Connection, inc: str, pool: str, window: int) -> RightRow | None:
    """One account's rights, if the server ever spoke of it."""
    row = conn.execute(
        "SELECT account, inc, pool, window, granted_nusd, returned_nusd, closed FROM team_right"
        " WHERE inc = ? AND pool = ? AND window = ?",
        (inc, pool, window),
    ).fetchone()
    return _right(row) if row else None


def open_rights(conn: sqlite3.Connection, inc: str) -> list[tuple[str, int]]:
    """The (pool, window) of every account of an incarnation that is not closed: those that are
    grow with every window there ever was."""
    rows = conn.execute(
        "SELECT pool, window FROM team_right WHERE inc = ? AND closed = 0 ORDER BY pool, window",
        (inc,),
    ).fetchall()
    return [(str(row[0]), int(row[1])) for row in rows]


def _right(row: tuple[int, str, str, int, int, int, int]) -> RightRow:
    account, inc, pool, window, granted_nusd, returned_nusd, closed = row
    return RightRow(account, inc, pool, window, granted_nusd, returned_nusd, bool(closed))


def of_account(conn: sqlite3.Connection, account_id: int) -> tuple[str, str, int] | None:
    """Which right an account is: (incarnation, pool, window); None for a budget's."""
    row = conn.execute(
        "SELECT inc, pool, window FROM team_right WHERE account = ?", (account_id,)
    ).fetchone()
    return (str(row[0]), str(row[1]), int(row[2])) if row else None


def put_right(conn: sqlite3.Connection, row: RightRow) -> None:
    """Keep an account's counters."""
    conn.execute(
        "INSERT INTO team_right VALUES (?1,?2,?3,?4,?5,?6,?7) ON CONFLICT (account) DO UPDATE SET"
        " granted_nusd = ?5, returned_nusd = ?6, closed = ?7",
        (row.account, row.inc, row.pool, row.window, row.granted_nusd, row.returned_nusd,
         row.closed),
    )  # fmt: skip


def open_holds(conn: sqlite3.Connection, inc: str, pool: str | None = None) -> list[str]:
    """The requests in flight that hold rights of an incarnation, in this pool or in any."""
    rows = conn.execute(
        "SELECT DISTINCT rid FROM hold_account JOIN team_right USING (account) WHERE inc = ?1"
        " AND (?2 IS NULL OR pool = ?2)",
        (inc, pool),
    ).fetchall()
    return [str(row[0]) for row in rows]
