"""Holds: written before a byte leaves, ended once, with all their shares."""

import sqlite3
from sqlite3 import Connection

import pytest

from agentspend.store import holds
from agentspend.store.accounts import Account
from agentspend.store.holds import Hold

from .conftest import open_account


def hold(rid: str = "r1", nusd: int = 50, at_us: int = 1, session: str = "s1") -> Hold:
    """A hold in few words."""
    return Hold(rid, nusd, at_us, session, b"{}")


def test_a_hold_keeps_its_share_of_each_account(conn: Connection, account: Account) -> None:
    """A warm budget may hold less than a strict one."""
    warm = open_account(conn, "warm")
    holds.insert(conn, hold(), {account.id: 50, warm.id: 20})
    assert holds.find(conn, "r1") == hold()
    assert sorted(holds.accounts_of(conn, "r1")) == [(account.id, 50), (warm.id, 20)]


def test_a_hold_ends_with_all_its_shares(conn: Connection, account: Account) -> None:
    """Nothing is left behind, and ending it again changes nothing."""
    holds.insert(conn, hold(), {account.id: 50})
    holds.delete(conn, "r1")
    holds.delete(conn, "r1")
    assert holds.find(conn, "r1") is None
    assert conn.execute("SELECT count(*) FROM hold_account").fetchone() == (0,)


def test_one_request_has_one_hold(conn: Connection, account: Account) -> None:
    """A second one would be forgotten when the first ends."""
    holds.insert(conn, hold(), {account.id: 50})
    with pytest.raises(sqlite3.IntegrityError):
        holds.insert(conn, hold(nusd=1), {})


@pytest.mark.parametrize("nusd", [-1, None])
def test_a_hold_is_never_below_nothing(
    conn: Connection, account: Account, nusd: int | None
) -> None:
    """Neither as a whole nor in a share."""
    with pytest.raises(sqlite3.IntegrityError):
        holds.insert(conn, hold(nusd=nusd), {})  # type: ignore[arg-type]
    holds.insert(conn, hold("r2"), {})
    with pytest.raises(sqlite3.IntegrityError):
        holds.attach(conn, "r2", account.id, nusd)  # type: ignore[arg-type]


def test_a_share_belongs_to_a_hold_and_an_account_that_exist(
    conn: Connection, account: Account
) -> None:
    """Foreign keys are on."""
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        holds.attach(conn, "none", account.id, 1)
    holds.insert(conn, hold(), {account.id: 1})
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        holds.attach(conn, "r1", 999, 1)
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        conn.execute("DELETE FROM account")


def test_open_holds_are_listed_oldest_first(conn: Connection) -> None:
    """In the order in which they are settled after a crash."""
    for rid, at_us in (("b", 2), ("c", 1), ("a", 2)):
        holds.insert(conn, hold(rid, at_us=at_us), {})
    assert [each.rid for each in holds.all_open(conn)] == ["c", "a", "b"]


def test_a_hold_shrinks_and_joins_later_budgets(conn: Connection, account: Account) -> None:
    """Whole and shares each on their own."""
    holds.insert(conn, hold(), {account.id: 50})
    later = open_account(conn, "later")
    holds.attach(conn, "r1", later.id, 50)
    holds.shrink(conn, "r1", 30)
    holds.shrink_account(conn, "r1", account.id, 20)
    found = holds.find(conn, "r1")
    assert found is not None
    assert found.amount_nusd == 30
    assert sorted(holds.accounts_of(conn, "r1")) == [(account.id, 20), (later.id, 50)]


def test_what_each_session_holds_is_added_up(conn: Connection) -> None:
    """Only what is open."""
    for rid, nusd, session in (("a", 1, "s1"), ("b", 2, "s1"), ("c", 4, "s2"), ("d", 8, "s3")):
        holds.insert(conn, hold(rid, nusd, session=session), {})
    holds.delete(conn, "d")
    assert holds.held_by_session(conn) == {"s1": 3, "s2": 4}
