"""A real ledger file for each test, and short words for what goes into it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Connection

import pytest

from agentspend.core.scopes import Payer
from agentspend.store import accounts, entries
from agentspend.store.accounts import Account
from agentspend.store.ledger_file import open_ledger

USD = 10**9


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    """An open, empty ledger on disk."""
    connect, _ = open_ledger(tmp_path / "ledger.db")
    opened = connect()
    yield opened
    opened.close()


@pytest.fixture
def account(conn: Connection) -> Account:
    """A hard daily dollar with nothing spent."""
    return open_account(conn)


def open_account(conn: Connection, budget: str = "daily", **more: object) -> Account:
    """Open an account of a dollar."""
    known: dict[str, object] = {
        "generation": 1,
        "window_key": "2026-11-25",
        "starts_us": 0,
        "ends_us": 100,
        "mode": "hard",
        "limit_nusd": USD,
        "spent_nusd": 0,
        "held_nusd": 0,
        "over_nusd": 0,
        **more,
    }
    return accounts.create(conn, Account(id=0, budget=budget, **known))  # type: ignore[arg-type]


@pytest.fixture
def charge(conn: Connection) -> Callable[..., None]:
    """Append settle entries one after another."""
    count = 0

    def append(nusd: int = 1, at_us: int = 1, counted: str = "billed", **more: object) -> None:
        nonlocal count
        count += 1
        kind, payer = str(more.pop("kind", "settle")), Payer(**more)  # type: ignore[arg-type]
        row = entries.Row(
            count, f"h{count}", b"{}", kind, at_us, at_us, nusd, counted, f"r{count}", payer
        )
        entries.append(conn, row)

    return append
