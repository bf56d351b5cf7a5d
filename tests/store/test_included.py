"""A subscription's windows on disk: read back whole, replaced by newer words, forgotten in time."""

from dataclasses import replace
from sqlite3 import Connection

from agentspend.core.included import IncludedWindow, Stand
from agentspend.store import included

WEEK = IncludedWindow("anthropic", "a1", "7d", "", Stand.NEAR, 9_400, 2_000, 1_000)
HOURS = replace(WEEK, name="5h", stand=Stand.OPEN, used_bp=None, resets_us=None)
OPUS = replace(WEEK, name="7d_oi", model="claude-opus-5", stand=Stand.PAID)


def test_windows_read_back_whole(conn: Connection) -> None:
    """The shortest of a login first, also those of which little is known."""
    included.put(conn, [OPUS, WEEK, HOURS])
    assert included.all_of(conn) == [HOURS, WEEK, OPUS]


def test_a_newer_word_replaces_an_older_one(conn: Connection) -> None:
    """Of the same login, window and model; every other one stays."""
    others = [replace(WEEK, account="a2"), replace(WEEK, provider="openai"), OPUS]
    included.put(conn, [WEEK, *others])
    newer = replace(WEEK, used_bp=9_500, seen_us=1_001)
    included.put(conn, [newer])
    assert set(included.all_of(conn)) == {newer, *others}


def test_a_window_can_be_forgotten(conn: Connection) -> None:
    """By its key alone."""
    included.put(conn, [WEEK, HOURS])
    included.forget(conn, [replace(WEEK, used_bp=1).key])
    assert included.all_of(conn) == [HOURS]


def test_logins_that_were_not_used_for_long_are_forgotten(conn: Connection) -> None:
    """Two weeks after they were last heard of."""
    new = replace(HOURS, seen_us=included.KEPT_US)
    included.put(conn, [WEEK, new])
    included.trim(conn, 1_000 + included.KEPT_US)
    assert included.all_of(conn) == [new, WEEK]
    included.trim(conn, 1_001 + included.KEPT_US)
    assert included.all_of(conn) == [new]
