"""Signatures over heads of the chain."""

from sqlite3 import Connection

from agentspend.store import checkpoints


def test_signatures_are_kept_oldest_first(conn: Connection) -> None:
    """One for each head; the newest tells where the next one starts."""
    assert checkpoints.last_seq(conn) == 0
    checkpoints.put(conn, 20, "h20", 2, "k", "ab")
    checkpoints.put(conn, 10, "h10", 1, "k", "cd")
    checkpoints.put(conn, 20, "h20", 2, "k", "ef")
    assert checkpoints.all_of(conn) == [[10, "h10", 1, "k", "cd"], [20, "h20", 2, "k", "ef"]]
    assert checkpoints.last_seq(conn) == 20
