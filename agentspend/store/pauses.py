"""Which sessions are paused, kept across restarts: one JSON value, for there are few."""

import sqlite3
from collections.abc import Mapping

import msgspec

NAME = "paused"


def put(conn: sqlite3.Connection, paused: Mapping[str, Mapping[str, object]]) -> None:
    """Keep all pauses, in the place of those that were: {session: its JSON}; "" is everybody."""
    body = msgspec.json.encode(paused).decode()
    conn.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (NAME, body))


def read(conn: sqlite3.Connection) -> dict[str, dict[str, object]]:
    """All pauses as they were kept last."""
    found = conn.execute("SELECT value FROM meta WHERE key = ?", (NAME,)).fetchone()
    return msgspec.json.decode(found[0], type=dict[str, dict[str, object]]) if found else {}
