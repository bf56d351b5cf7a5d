"""Accounts: what is spent and held of one budget in one window. The limit is also a CHECK."""

import sqlite3

import msgspec

_FIELDS = (
    "id, budget, generation, window_key, starts_us, ends_us, mode, limit_nusd, spent_nusd,"
    " held_nusd, over_nusd"
)


class Account(msgspec.Struct, frozen=True):
    """One row; amounts in nano-USD. `over_nusd` is what an overrun took past the limit."""

    id: int
    budget: str
    generation: int
    window_key: str
    starts_us: int
    ends_us: int | None
    mode: str
    limit_nusd: int
    spent_nusd: int
    held_nusd: int
    over_nusd: int

    @property
    def free_nusd(self) -> int:
        """What is left to hold; never shown below zero."""
        return max(0, self.limit_nusd - self.spent_nusd - self.held_nusd)


def find(conn: sqlite3.Connection, budget: str, generation: int, window_key: str) -> Account | None:
    """The account of a budget in a window, if one was opened."""
    row = conn.execute(
        f"SELECT {_FIELDS} FROM account WHERE budget = ? AND generation = ? AND window_key = ?",
        (budget, generation, window_key),
    ).fetchone()
    return Account(*row) if row else None


def by_id(conn: sqlite3.Connection, account_id: int) -> Account:
    """One account that is known to exist."""
    row = conn.execute(f"SELECT {_FIELDS} FROM account WHERE id = ?", (account_id,)).fetchone()
    return Account(*row)


def of_budget(conn: sqlite3.Connection, budget: str, generation: int) -> list[Account]:
    """Every window of one budget, newest first."""
    rows = conn.execute(
        f"SELECT {_FIELDS} FROM account WHERE budget = ? AND generation = ?"
        " ORDER BY starts_us DESC",
        (budget, generation),
    ).fetchall()
    return [Account(*row) for row in rows]


def of_keys(
    conn: sqlite3.Connection, budget: str, generation: int, prefix: str, count: int
) -> list[Account]:
    """The accounts of a budget whose window's key begins so, the fullest first, so many at most.

    `prefix` ends in ":", the character before ";".
    """
    rows = conn.execute(
        f"SELECT {_FIELDS} FROM account WHERE budget = ? AND generation = ? AND window_key >= ?"
        " AND window_key < ? ORDER BY spent_nusd + held_nusd DESC LIMIT ?",
        (budget, generation, prefix, f"{prefix[:-1]};", count),
    ).fetchall()
    return [Account(*row) for row in rows]


def create(conn: sqlite3.Connection, account: Account) -> Account:
    """Open an account (its `id` is ignored); what is already past the limit goes to `over`.

    Spending below zero counts as zero: corrections alone never make a budget larger.
    """
    spent_nusd = max(0, account.spent_nusd)
    over_nusd = max(0, spent_nusd + account.held_nusd - account.limit_nusd)
    cursor = conn.execute(
        "INSERT INTO account (budget, generation, window_key, starts_us, ends_us, mode,"
        " limit_nusd, spent_nusd, held_nusd, over_nusd) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            account.budget, account.generation, account.window_key, account.starts_us,
            account.ends_us, account.mode, account.limit_nusd, spent_nusd,
            account.held_nusd, over_nusd,
        ),
    )  # fmt: skip
    assert cursor.lastrowid is not None
    return by_id(conn, cursor.lastrowid)


def take(conn: sqlite3.Connection, account_id: int, amount_nusd: int) -> bool:
    """Add a hold where it fits; False leaves the account as it was. The check is in the SQL."""
    assert amount_nusd >= 0
    changed = conn.execute(
        "UPDATE account SET held_nusd = held_nusd + ?1, over_nusd = CASE mode WHEN 'hard' THEN 0"
        " ELSE over_nusd END WHERE id = ?2"
        " AND (mode <> 'hard' OR spent_nusd + held_nusd + ?1 <= limit_nusd)",
        (amount_nusd, account_id),
    ).rowcount
    return changed == 1


def move(
    conn: sqlite3.Connection, account_id: int, *, held_nusd: int = 0, spent_nusd: int = 0
) -> None:
    """Change what is held and spent by these amounts (either sign); an excess becomes `over`.

    A correction takes spending down to zero at most: it never makes a budget larger.
    """
    conn.execute(
        "UPDATE account SET held_nusd = held_nusd + ?1, spent_nusd = max(0, spent_nusd + ?2),"
        " over_nusd = max(0, max(0, spent_nusd + ?2) + held_nusd + ?1 - limit_nusd) WHERE id = ?3",
        (held_nusd, spent_nusd, account_id),
    )


def set_limit(conn: sqlite3.Connection, account_id: int, limit_nusd: int, mode: str) -> None:
    """Give an open account another limit or mode."""
    conn.execute(
        "UPDATE account SET limit_nusd = ?1, mode = ?2,"
        " over_nusd = max(0, spent_nusd + held_nusd - ?1) WHERE id = ?3",
        (limit_nusd, mode, account_id),
    )


def add_charge(conn: sqlite3.Connection, account_id: int, at_us: int, amount_nusd: int) -> None:
    """Note one charge of a rolling account, so that it can fall out of the window later."""
    conn.execute("INSERT INTO charge VALUES (?,?,?)", (account_id, at_us, amount_nusd))


def roll(conn: sqlite3.Connection, account_id: int, starts_us: int) -> None:
    """Drop the charges that left a rolling window and restate what is spent in it."""
    conn.execute("DELETE FROM charge WHERE account = ? AND at_us <= ?", (account_id, starts_us))
    conn.execute(
        "UPDATE account SET starts_us = ?2, spent_nusd = t.total,"
        " over_nusd = max(0, t.total + held_nusd - limit_nusd) FROM"
        " (SELECT max(0, coalesce(sum(amount_nusd), 0)) AS total FROM charge"
        " WHERE account = ?1) AS t"
        " WHERE id = ?1",
        (account_id, starts_us),
    )


def first_charge_us(conn: sqlite3.Connection, account_id: int) -> int | None:
    """The oldest charge still inside a rolling window, of those that cost anything."""
    found = conn.execute(
        "SELECT min(at_us) FROM charge WHERE account = ? AND amount_nusd > 0", (account_id,)
    ).fetchone()
    return found[0] if found else None


def charged_until_nusd(conn: sqlite3.Connection, account_id: int, until_us: int) -> int:
    """What a rolling account was charged up to a moment: all of it rolls out together with that."""
    found = conn.execute(
        "SELECT coalesce(sum(amount_nusd), 0) FROM charge WHERE account = ? AND at_us <= ?",
        (account_id, until_us),
    ).fetchone()
    return max(0, int(found[0]))


def enough_us(conn: sqlite3.Connection, account_id: int, amount_nusd: int) -> int | None:
    """The moment whose charges and holds, with all before, come to this much; None when all do not.

    A hold counts in full: it may turn into a charge of its own moment.
    """
    found = conn.execute(
        "WITH part AS (SELECT at_us, amount_nusd FROM charge WHERE account = ?1 UNION ALL"
        " SELECT h.created_us, a.amount_nusd FROM hold_account a JOIN hold h USING (rid)"
        " WHERE a.account = ?1),"
        " total AS (SELECT at_us, sum(amount_nusd) OVER (ORDER BY at_us) AS nusd FROM part)"
        " SELECT min(at_us) FROM total WHERE nusd >= ?2",
        (account_id, amount_nusd),
    ).fetchone()
    return found[0] if found else None
