"""The device's own signatures over heads of its chain (protocol study §3.3)."""

import sqlite3


def put(
    conn: sqlite3.Connection, seq: int, head: str, ts_us: int, key_id: str, signature: str
) -> None:
    """Keep a signature; `signature` is hex."""
    conn.execute(
        "INSERT OR REPLACE INTO checkpoint VALUES (?,?,?,?,?)",
        (seq, head, ts_us, key_id, signature),
    )


def all_of(conn: sqlite3.Connection) -> list[list[object]]:
    """Every signature, oldest first: [seq, head, ts_us, key_id, signature]."""
    rows = conn.execute(
        "SELECT seq, head, ts_us, key_id, signature FROM checkpoint ORDER BY seq"
    ).fetchall()
    return [list(row) for row in rows]


def last_seq(conn: sqlite3.Connection) -> int:
    """The newest signed head's sequence number; 0 when nothing is signed."""
    return int(conn.execute("SELECT coalesce(max(seq), 0) FROM checkpoint").fetchone()[0])
