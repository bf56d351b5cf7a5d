"""Sessions: one for each run, known by the hash of its token."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from sqlite3 import Connection

import pytest

from agentspend.store import sessions
from agentspend.store.sessions import SessionRow

ONE = SessionRow("s1", "hash-1", b"{}", 10)


def test_a_session_is_open_until_it_is_closed(conn: Connection) -> None:
    """Oldest first; closing twice keeps the first end."""
    sessions.put(conn, replace(ONE, id="s2", token_hash="hash-2", opened_us=20))
    sessions.put(conn, ONE)
    assert [row.id for row in sessions.all_open(conn)] == ["s1", "s2"]
    sessions.close(conn, "s1", 30)
    sessions.close(conn, "s1", 40)
    assert [row.id for row in sessions.all_open(conn)] == ["s2"]
    assert conn.execute("SELECT closed_us FROM session WHERE id = 's1'").fetchone() == (30,)


def test_a_session_can_be_opened_again_with_a_new_token(conn: Connection) -> None:
    """As `run` does with a restarted daemon; it keeps its first moment."""
    sessions.put(conn, ONE)
    sessions.close(conn, "s1", 30)
    sessions.put(conn, SessionRow("s1", "hash-9", b"[]", 50))
    assert sessions.all_open(conn) == [SessionRow("s1", "hash-9", b"[]", 10)]


def test_one_token_opens_one_session(conn: Connection) -> None:
    """Two sessions behind one token would be one bill for two."""
    sessions.put(conn, ONE)
    with pytest.raises(sqlite3.IntegrityError):
        sessions.put(conn, replace(ONE, id="s2"))


def test_totals_keep_real_and_list_price_dollars_apart(
    conn: Connection, charge: Callable[..., None]
) -> None:
    """Corrections lower the sum and are no requests of their own."""
    charge(10, session="s1")
    charge(5, counted="subscription", session="s1")
    charge(-4, kind="adjust", session="s1")
    charge(100, session="s2")
    assert sessions.totals(conn, "s1") == (2, 6, 5)
    assert sessions.totals(conn, "none") == (0, 0, 0)
    sessions.put(conn, ONE)
    assert sessions.totals_of_open(conn) == {"s1": (2, 6, 5)}
    sessions.close(conn, "s1", 9)
    assert sessions.totals_of_open(conn) == {}


def test_totals_are_read_from_an_index_alone(conn: sqlite3.Connection) -> None:
    """A ledger of a million entries is not walked through for each session."""
    plan = conn.execute(
        "EXPLAIN QUERY PLAN SELECT count(*) FILTER (WHERE kind = 'settle'), sum(amount_nusd)"
        " FILTER (WHERE counted = 'billed') FROM entry WHERE session = 's1' AND session <> ''"
    ).fetchall()
    assert any("COVERING INDEX entry_session" in row[3] for row in plan)
