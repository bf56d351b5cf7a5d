"""Pauses, kept whole in one value."""

from sqlite3 import Connection

from agentspend.store import pauses


def test_what_was_kept_last_is_read(conn: Connection) -> None:
    """Nothing kept, nothing paused."""
    assert pauses.read(conn) == {}
    pauses.put(conn, {"s_1": {"why": "“loop”", "since_us": 7}, "": {"why": "x", "since_us": 8}})
    pauses.put(conn, {"s_1": {"why": "“loop”", "since_us": 7}})
    assert pauses.read(conn) == {"s_1": {"why": "“loop”", "since_us": 7}}
