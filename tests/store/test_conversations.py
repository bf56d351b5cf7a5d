"""Remembered turns: counts under a keyed hash, the newest kept."""

from sqlite3 import Connection

import pytest

from agentspend.core.conversation import Turn
from agentspend.store import conversations

TURN = Turn(100, 20, 80, 10**15, 4_096)


def test_a_turn_reads_back_whole(conn: Connection) -> None:
    """Also after a restart, and with any bytes as its digest."""
    conversations.put(conn, b"\x00\xff'", TURN, 1)
    assert conversations.newest(conn) == {b"\x00\xff'": TURN}


def test_a_later_turn_replaces_an_earlier_one(conn: Connection) -> None:
    """One digest, one turn."""
    conversations.put(conn, b"a", Turn(1), 1)
    conversations.put(conn, b"a", TURN, 2)
    assert conversations.newest(conn) == {b"a": TURN}


def test_the_oldest_are_forgotten(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was used last stays, oldest of it first; ties do not lose more than they must."""
    monkeypatch.setattr(conversations, "KEPT", 3)
    for number in (5, 1, 4, 2, 3):
        conversations.put(conn, bytes([number]), Turn(number), number)
    kept = [b"\x03", b"\x04", b"\x05"]
    assert list(conversations.newest(conn)) == kept
    conversations.trim(conn)
    assert conn.execute("SELECT count(*) FROM conversation").fetchone() == (3,)
    assert list(conversations.newest(conn)) == kept
    for number in (6, 7, 8, 9):
        conversations.put(conn, bytes([number]), Turn(number), 9)
    conversations.trim(conn)
    assert conn.execute("SELECT count(*) FROM conversation").fetchone() == (3,)
