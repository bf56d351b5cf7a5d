"""What each subscription's windows were last said to be, across restarts; not in the ledger."""

import sqlite3
from collections.abc import Iterable

from agentspend.core.included import IncludedWindow, Stand

KEPT_US = 14 * 86_400_000_000
"""How long a window is remembered after it started anew."""


def put(conn: sqlite3.Connection, windows: Iterable[IncludedWindow]) -> None:
    """Remember windows, each in place of what was known under its key."""
    conn.executemany(
        "INSERT OR REPLACE INTO included VALUES (?,?,?,?,?,?,?,?)",
        [
            (*window.key, window.stand.value, window.used_bp, window.resets_us, window.seen_us)
            for window in windows
        ],
    )


def forget(conn: sqlite3.Connection, keys: Iterable[tuple[str, str, str, str]]) -> None:
    """Forget windows by provider, account, name and model."""
    conn.executemany(
        "DELETE FROM included WHERE provider = ? AND account = ? AND name = ? AND model = ?",
        list(keys),
    )


def all_of(conn: sqlite3.Connection) -> list[IncludedWindow]:
    """Every window that is remembered, by provider, the shortest first."""
    rows = conn.execute(
        "SELECT provider, account, name, model, stand, used_bp, resets_us, seen_us FROM included"
        " ORDER BY provider, account, length(name), name, model"
    ).fetchall()
    return [
        IncludedWindow(provider, account, name, model, Stand(stand), used_bp, resets_us, seen_us)
        for provider, account, name, model, stand, used_bp, resets_us, seen_us in rows
    ]


def trim(conn: sqlite3.Connection, now_us: int) -> None:
    """Forget logins that were not used for long."""
    conn.execute("DELETE FROM included WHERE seen_us < ?", (now_us - KEPT_US,))
