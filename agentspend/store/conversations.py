"""Turns remembered by the HMAC of their prefix: counts only, kept across restarts."""

import sqlite3

from agentspend.core.conversation import Turn

KEPT = 20_000


def newest(conn: sqlite3.Connection) -> dict[bytes, Turn]:
    """The turns worth remembering, oldest first."""
    rows = conn.execute(
        "SELECT digest, prompt_tokens, output_tokens, cached_tokens, cached_until_us, cut_at"
        " FROM (SELECT * FROM conversation ORDER BY used_us DESC LIMIT ?) ORDER BY used_us",
        (KEPT,),
    ).fetchall()
    return {bytes(row[0]): Turn(*row[1:]) for row in rows}


def put(conn: sqlite3.Connection, digest: bytes, turn: Turn, used_us: int) -> None:
    """Remember a turn, replacing what was known under its digest."""
    conn.execute(
        "INSERT OR REPLACE INTO conversation VALUES (?,?,?,?,?,?,?)",
        (
            digest, turn.prompt_tokens, turn.output_tokens, turn.cached_tokens,
            turn.cached_until_us, turn.cut_at, used_us,
        ),
    )  # fmt: skip


def trim(conn: sqlite3.Connection) -> None:
    """Forget all but the newest turns."""
    conn.execute(
        "DELETE FROM conversation WHERE digest IN"
        " (SELECT digest FROM conversation ORDER BY used_us DESC LIMIT -1 OFFSET ?)",
        (KEPT,),
    )
