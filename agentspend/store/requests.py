"""What happened to each request, for `why` and the refused list. Not part of the ledger."""

import sqlite3

KEPT = 100_000
_UNSERVED = "outcome <> 'settled'"
"""Names the indexes of those that ended otherwise, which are few."""


def put(
    conn: sqlite3.Connection, rid: str, at_us: int, outcome: str, session: str, body: bytes
) -> None:
    """Keep one request's story; `outcome` is settled, refused or released."""
    conn.execute(
        "INSERT OR REPLACE INTO request VALUES (?,?,?,?,?)", (rid, at_us, outcome, session, body)
    )


def find(conn: sqlite3.Connection, rid_prefix: str) -> list[tuple[str, int, str, bytes]]:
    """Requests whose id starts like this, at most ten: (rid, at_us, outcome, body)."""
    return conn.execute(
        "SELECT rid, at_us, outcome, body FROM request WHERE rid >= ? AND rid < ? LIMIT 10",
        (rid_prefix, rid_prefix + "\U0010ffff"),
    ).fetchall()


def count(conn: sqlite3.Connection, session: str, outcome: str) -> int:
    """How many of a session's requests ended so: refused or released."""
    row = conn.execute(
        f"SELECT count(*) FROM request WHERE session = ? AND outcome = ? AND {_UNSERVED}",
        (session, outcome),
    ).fetchone()
    return int(row[0])


def newest_of(conn: sqlite3.Connection, session: str, outcome: str) -> bytes | None:
    """The story of a session's last request that ended so (refused or released)."""
    row = conn.execute(
        f"SELECT body FROM request WHERE session = ? AND outcome = ? AND {_UNSERVED}"
        " ORDER BY at_us DESC LIMIT 1",
        (session, outcome),
    ).fetchone()
    return bytes(row[0]) if row else None


def newest(
    conn: sqlite3.Connection, outcome: str, since_us: int, count: int
) -> list[tuple[str, int, bytes]]:
    """The last requests that ended so (refused or released) since a moment, oldest first: (rid,
    at_us, body)."""
    return conn.execute(
        f"SELECT rid, at_us, body FROM request WHERE at_us >= ? AND outcome = ? AND {_UNSERVED}"
        " ORDER BY at_us DESC LIMIT ?",
        (since_us, outcome, count),
    ).fetchall()[::-1]


def trim(conn: sqlite3.Connection) -> None:
    """Forget all but the newest stories."""
    conn.execute(
        "DELETE FROM request WHERE at_us < coalesce("
        "(SELECT at_us FROM request ORDER BY at_us DESC LIMIT 1 OFFSET ?), 0)",
        (KEPT - 1,),
    )
