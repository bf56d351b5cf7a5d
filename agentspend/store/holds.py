"""Holds: durable working state between admission and the end of a request."""

import sqlite3
from collections.abc import Mapping

import msgspec


class Hold(msgspec.Struct, frozen=True):
    """Money set aside for one request. `body` is the JSON needed to settle it after a crash."""

    rid: str
    amount_nusd: int
    created_us: int
    session: str
    body: bytes


def insert(conn: sqlite3.Connection, hold: Hold, accounts: Mapping[int, int]) -> None:
    """Write a hold and its share of each account ({account id: nano-USD})."""
    conn.execute(
        "INSERT INTO hold VALUES (?,?,?,?,?)",
        (hold.rid, hold.amount_nusd, hold.created_us, hold.session, hold.body),
    )
    conn.executemany(
        "INSERT INTO hold_account VALUES (?,?,?)",
        [(hold.rid, account, amount) for account, amount in accounts.items()],
    )


def find(conn: sqlite3.Connection, rid: str) -> Hold | None:
    """An open hold."""
    row = conn.execute(
        "SELECT rid, amount_nusd, created_us, session, body FROM hold WHERE rid = ?", (rid,)
    ).fetchone()
    return Hold(*row) if row else None


def all_open(conn: sqlite3.Connection) -> list[Hold]:
    """Every open hold, oldest first."""
    rows = conn.execute(
        "SELECT rid, amount_nusd, created_us, session, body FROM hold ORDER BY created_us, rid"
    ).fetchall()
    return [Hold(*row) for row in rows]


def accounts_of(conn: sqlite3.Connection, rid: str) -> list[tuple[int, int]]:
    """What a hold took: [(account id, nano-USD)]."""
    return conn.execute(
        "SELECT account, amount_nusd FROM hold_account WHERE rid = ?", (rid,)
    ).fetchall()


def attach(conn: sqlite3.Connection, rid: str, account: int, amount_nusd: int) -> None:
    """Let an open hold count in one more account: a budget made while it was in flight."""
    conn.execute("INSERT INTO hold_account VALUES (?,?,?)", (rid, account, amount_nusd))


def shrink(conn: sqlite3.Connection, rid: str, amount_nusd: int) -> None:
    """Lower a hold's own amount."""
    conn.execute("UPDATE hold SET amount_nusd = ? WHERE rid = ?", (amount_nusd, rid))


def shrink_account(conn: sqlite3.Connection, rid: str, account: int, amount_nusd: int) -> None:
    """Lower a hold's share of one account."""
    conn.execute(
        "UPDATE hold_account SET amount_nusd = ? WHERE rid = ? AND account = ?",
        (amount_nusd, rid, account),
    )


def delete(conn: sqlite3.Connection, rid: str) -> None:
    """End a hold; its shares go with it."""
    conn.execute("DELETE FROM hold WHERE rid = ?", (rid,))


def held_by_session(conn: sqlite3.Connection) -> dict[str, int]:
    """What each session holds now, in nano-USD."""
    return dict(
        conn.execute("SELECT session, sum(amount_nusd) FROM hold GROUP BY session").fetchall()
    )
