"""What reports ask for, added up as entries are made: a row for each quarter of an hour and payer.

A million entries are some ten thousand such rows. An amount stands in the quarter whose windows it
counts in (when its hold was made), a correction in that of the charge it corrects.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

from agentspend.core.scopes import Payer
from agentspend.core.usage import ESTIMATES
from agentspend.core.windows import QUARTER_US
from agentspend.store import entries
from agentspend.store.schema import SPENDING_OF_ENTRIES

KINDS = ("settle", "adjust")
"""The entries that say what a request was charged."""
WORDS = ("quarter", "counted", "project", "branch", "agent", "model", "provider", "member", "team",
         "key", "tags")  # fmt: skip
"""What rows are apart by. `model` is the one asked for, as in budgets; `tags` are JSON."""
SUMS = ("amount_nusd", "estimated_nusd", "requests", "input_tokens", "cache_read_tokens",
        "cache_write_tokens", "output_tokens")  # fmt: skip
"""`estimated_nusd` is the part of the amount that rests on estimates nobody has corrected."""
LAST = 1 << 62
"""After every quarter."""
PAGE_ROWS = 1_000
"""A page of so many rows is added up within 5 ms."""
EXTENT = "SELECT (SELECT min(quarter) FROM spending), (SELECT max(quarter) FROM spending)"
"""Two questions: both at once would read every row."""
_ADD = (
    f"INSERT INTO spending ({', '.join(WORDS + SUMS)})"
    f" VALUES ({', '.join('?' * len(WORDS + SUMS))}) ON CONFLICT ({', '.join(WORDS)}) DO UPDATE SET"
    f" {', '.join(f'{name} = {name} + excluded.{name}' for name in SUMS)}"
)
_TOKENS = (
    ("input_tokens", "input_audio_tokens"),
    ("cache_read_tokens", "cache_read_audio_tokens"),
    ("cache_write_5m_tokens", "cache_write_1h_tokens", "cache_write_12h_tokens"),
    ("output_tokens",),
)
"""The counts of a usage that each sum of tokens is made of."""

Row = tuple[Any, ...]
"""The words that were asked for, then `SUMS`."""


def add(
    conn: sqlite3.Connection, row: entries.Row, evidence: str, usage: Mapping[str, int] | None
) -> None:
    """Count a new settle or adjust entry. Call it before the entry itself is written."""
    estimated_nusd = _estimated_nusd(conn, row, evidence)
    counts = usage or {}
    tokens = (sum(counts.get(name, 0) for name in names) for names in _TOKENS)
    conn.execute(
        _ADD,
        (
            row.window_us // QUARTER_US, row.counted, *_words(row.payer), row.amount_nusd,
            estimated_nusd, int(row.kind == "settle"), *tokens,
        ),
    )  # fmt: skip


def _words(payer: Payer) -> tuple[str, ...]:
    return (
        payer.project, payer.branch, payer.agent, payer.model, payer.provider, payer.member,
        payer.team, payer.key, json.dumps(payer.tags) if payer.tags else "[]",
    )  # fmt: skip


def _estimated_nusd(conn: sqlite3.Connection, row: entries.Row, evidence: str) -> int:
    """What an entry adds to the estimates: the first correction of one ends it."""
    if row.kind == "settle":
        return row.amount_nusd if evidence in ESTIMATES else 0
    before = [json.loads(body) for body in entries.of_request(conn, row.rid)]
    if len(before) != 1 or before[0].get("evidence") not in ESTIMATES:
        return 0
    return -int(before[0]["amount_nusd"])


def page(
    conn: sqlite3.Connection, words: Collection[str], since: int, until: int | None
) -> tuple[list[Row], int | None]:
    """The sums of a page's rows for each set of these words (of `WORDS`), in quarters since one, up
    to and without another; and the quarter that the next page begins with, None after the last.

    What is in one quarter stands in one page.
    """
    end = LAST if until is None else until
    beyond = conn.execute(
        "SELECT quarter FROM spending WHERE quarter >= ? AND quarter < ? ORDER BY quarter"
        f" LIMIT 1 OFFSET {PAGE_ROWS}",
        (since, end),
    ).fetchone()
    following = max(beyond[0], since + 1) if beyond else None
    names = ", ".join(name for name in WORDS if name in words)
    sums = ", ".join(f"sum({name})" for name in SUMS)
    rows = conn.execute(
        f"SELECT {names}, {sums} FROM spending WHERE quarter >= ? AND quarter < ? GROUP BY {names}",
        (since, end if following is None else following),
    ).fetchall()
    return rows, following


def agrees(conn: sqlite3.Connection) -> bool:
    """Whether the sums come to what the entries do: real dollars, and all together."""
    amounts = "sum(iif(counted = 'billed', amount_nusd, 0)), sum(amount_nusd)"
    ours, theirs = (
        conn.execute(f"SELECT {amounts} FROM {table} WHERE amount_nusd <> 0").fetchone()
        for table in ("spending", "entry")
    )
    return bool(ours == theirs)


def add_up_anew(conn: sqlite3.Connection) -> None:
    """Make the sums from the entries, which are what counts."""
    conn.execute("DELETE FROM spending")
    conn.execute(SPENDING_OF_ENTRIES)


def extent(conn: sqlite3.Connection) -> tuple[int, int] | None:
    """The first and the last quarter that anything was charged in; None for an empty ledger."""
    first, last = conn.execute(EXTENT).fetchone()
    return None if first is None else (first, last)
