"""Virtual keys as stored: their settings, and their tokens as hashes. A deleted key's row stays.

So a request with a token that was once good is told what became of it.
"""

import sqlite3
from dataclasses import replace

import msgspec

from agentspend.core.limits import READ_PAGE_ROWS
from agentspend.core.virtual_keys import VirtualKey, key_of

_COLUMNS = "id, alias, body, created_us, expires_us, blocked_us, deleted_us"


def add(conn: sqlite3.Connection, key: VirtualKey) -> int:
    """Write a new key and return its row's number; a taken alias raises `IntegrityError`."""
    found = conn.execute(
        "INSERT INTO virtual_key (alias, body, created_us, expires_us, blocked_us, deleted_us)"
        " VALUES (?,?,?,?,?,?) RETURNING id",
        (
            key.alias, msgspec.json.encode(key.settings()), key.created_us, key.expires_us,
            key.blocked_us, key.deleted_us,
        ),
    ).fetchone()  # fmt: skip
    return int(found[0])


def change(conn: sqlite3.Connection, number: int, key: VirtualKey) -> None:
    """Write what may change of a key: its settings, its end, whether it is blocked or deleted."""
    conn.execute(
        "UPDATE virtual_key SET body = ?, expires_us = ?, blocked_us = ?, deleted_us = ?"
        " WHERE id = ?",
        (
            msgspec.json.encode(key.settings()), key.expires_us, key.blocked_us, key.deleted_us,
            number,
        ),
    )  # fmt: skip


def add_token(conn: sqlite3.Connection, token_hash: str, number: int) -> None:
    """Let a token stand for a key, for as long as the key lives."""
    conn.execute("INSERT INTO key_token VALUES (?, ?, NULL)", (token_hash, number))


def end_tokens(conn: sqlite3.Connection, number: int, until_us: int) -> None:
    """Let every token of a key work no longer than until this moment."""
    conn.execute(
        "UPDATE key_token SET until_us = min(coalesce(until_us, ?2), ?2) WHERE key = ?1",
        (number, until_us),
    )


def all_keys(conn: sqlite3.Connection) -> dict[int, VirtualKey]:
    """Every key by its row's number, oldest first, the deleted ones too."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM virtual_key ORDER BY id").fetchall()
    return {
        number: replace(
            key_of(alias, msgspec.json.decode(body)),
            created_us=created_us, expires_us=expires_us,
            blocked_us=blocked_us, deleted_us=deleted_us,
        )
        for number, alias, body, created_us, expires_us, blocked_us, deleted_us in rows
    }  # fmt: skip


def all_tokens(conn: sqlite3.Connection) -> list[tuple[str, int, int | None]]:
    """Every token: its hash, its key's row number, and when it ends (None: with its key)."""
    return conn.execute("SELECT token_hash, key, until_us FROM key_token").fetchall()


def last_charged_us(conn: sqlite3.Connection, alias: str) -> int | None:
    """When a key's newest charge was made, in UTC microseconds; None before the first."""
    row = conn.execute(
        "SELECT ts_us FROM entry WHERE key = ? AND key <> '' AND kind = 'settle'"
        " ORDER BY seq DESC LIMIT 1",
        (alias,),
    ).fetchone()
    return int(row[0]) if row else None


def charges(conn: sqlite3.Connection, alias: str, after: int) -> tuple[int, int, int, int]:
    """A page of what a key did: (last sequence number, 0 at the end; requests, two sums).

    The sums are nano-USD: billed, and at list price for a subscription's login.
    """
    row = conn.execute(
        "SELECT coalesce(max(seq), 0), count(*) FILTER (WHERE kind = 'settle'),"
        " coalesce(sum(amount_nusd) FILTER (WHERE counted = 'billed'), 0),"
        " coalesce(sum(amount_nusd) FILTER (WHERE counted = 'subscription'), 0)"
        " FROM (SELECT seq, kind, counted, amount_nusd FROM entry"
        " WHERE key = ? AND key <> '' AND seq > ? ORDER BY seq LIMIT ?)",
        (alias, after, READ_PAGE_ROWS),
    ).fetchone()
    return int(row[0]), int(row[1]), int(row[2]), int(row[3])
