"""Sums by the quarter of an hour: every charge once, in pages that never tear a quarter apart."""

import json
from sqlite3 import Connection

import pytest
from sqlite_utils import Database

from agentspend.core.scopes import Payer
from agentspend.core.usage import ESTIMATES
from agentspend.core.windows import QUARTER_US
from agentspend.store import entries, spending
from agentspend.store.schema import m008_spending

USAGE = {"input_tokens": 5, "input_audio_tokens": 1, "cache_read_tokens": 20,
         "cache_read_audio_tokens": 2, "cache_write_5m_tokens": 300, "cache_write_1h_tokens": 30,
         "cache_write_12h_tokens": 3, "output_tokens": 4_000}  # fmt: skip


def write(
    conn: Connection, seq: int, nusd: int, quarter: int = 1, *, kind: str = "settle", rid: str = "",
    evidence: str = "provider_usage", counted: str = "billed", **payer: object,
) -> None:  # fmt: skip
    """One entry as the chain writes it."""
    usage = USAGE if kind == "settle" else {}
    said = {"evidence": evidence, "amount_nusd": nusd, **({"usage": usage} if usage else {})}
    row = entries.Row(
        seq, f"h{seq}", json.dumps(said).encode(), kind, 9, quarter * QUARTER_US + seq, nusd,
        counted, rid or f"r{seq}", Payer(**payer),  # type: ignore[arg-type]
    )  # fmt: skip
    spending.add(conn, row, evidence, usage)
    entries.append(conn, row)


def rows(
    conn: Connection, *words: str, since: int = 0, until: int | None = None
) -> list[tuple[object, ...]]:
    """Every page, one after another."""
    found: list[tuple[object, ...]] = []
    following: int | None = since
    while following is not None:
        page, following = spending.page(conn, {"counted", *words}, following, until)
        found += page
    return found


def test_an_empty_ledger_has_no_sums(conn: Connection) -> None:
    """And no first or last quarter."""
    assert (rows(conn), spending.extent(conn)) == ([], None)


def test_a_page_reads_its_own_quarters_and_the_extent_no_row_at_all(conn: Connection) -> None:
    """However long the ledger is, and whatever stands in it later."""
    plan = str(conn.execute(f"EXPLAIN QUERY PLAN {spending.EXTENT}").fetchall())
    assert plan.count("SEARCH spending") == 2
    asked: list[str] = []
    conn.set_trace_callback(asked.append)
    spending.page(conn, {"counted", "project"}, 3, 9)
    conn.set_trace_callback(None)
    for sql in asked:
        plan = str(conn.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
        assert "USING PRIMARY KEY (quarter>? AND quarter<?)" in plan


def test_charges_of_one_payer_in_one_quarter_are_one_row(conn: Connection) -> None:
    """Their amounts, requests and tokens, audio and all lifetimes of a cache included."""
    write(conn, 1, 7, project="web")
    write(conn, 2, 5, project="web")
    write(conn, 3, 1, project="api", tags=("ticket=A",))
    assert rows(conn, "project") == [
        ("billed", "api", 1, 0, 1, 6, 22, 333, 4_000),
        ("billed", "web", 12, 0, 2, 12, 44, 666, 8_000),
    ]
    assert rows(conn, "tags")[0][:3] == ("billed", '["ticket=A"]', 1)
    assert conn.execute("SELECT count(*) FROM spending").fetchone() == (2,)


def test_a_subscription_stands_apart(conn: Connection) -> None:
    """List price is no money."""
    write(conn, 1, 7)
    write(conn, 2, 5, counted="subscription")
    assert [row[:2] for row in rows(conn)] == [("billed", 7), ("subscription", 5)]


@pytest.mark.parametrize("evidence", ESTIMATES)
def test_the_first_correction_ends_an_estimate(conn: Connection, evidence: str) -> None:
    """It lands in the quarter of its charge, and is no request of its own."""
    write(conn, 1, 100, quarter=3, evidence=evidence, rid="r")
    assert rows(conn)[0][1:4] == (100, 100, 1)
    write(conn, 2, -60, quarter=3, kind="adjust", evidence="person", rid="r")
    assert rows(conn)[0][1:4] == (40, 0, 1)
    write(conn, 3, -10, quarter=3, kind="adjust", evidence="person", rid="r")
    assert rows(conn)[0][1:4] == (30, 0, 1)
    assert spending.extent(conn) == (3, 3)


def test_a_page_ends_between_quarters(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after one that is larger than a page; the pages of a stretch have its rows and no
    others."""
    monkeypatch.setattr(spending, "PAGE_ROWS", 2)
    for seq, quarter in enumerate((1, 1, 1, 2, 5, 5, 9), 1):
        write(conn, seq, 10**seq, quarter, project=f"p{seq}")
    found = rows(conn, "project")
    assert sorted(row[2] for row in found) == [10**seq for seq in range(1, 8)]
    assert rows(conn, "quarter", since=2, until=9)[0][:2] == (2, "billed")
    assert sum(int(str(row[2])) for row in rows(conn, "quarter", since=2, until=9)) == 1_110_000
    page, following = spending.page(conn, {"counted", "quarter"}, 1, None)
    assert ([row[0] for row in page], following) == ([1], 2)


def test_sums_are_made_again_from_the_entries(conn: Connection) -> None:
    """Where they are not what the entries come to, in real dollars or at list price."""
    assert spending.agrees(conn)
    write(conn, 1, 7)
    write(conn, 2, 5, counted="subscription")
    kept = conn.execute("SELECT * FROM spending").fetchall()
    assert spending.agrees(conn)
    for change in (
        "UPDATE spending SET amount_nusd = 8 WHERE counted = 'billed'",
        "UPDATE spending SET counted = 'billed ' WHERE counted = 'billed'",
        "DELETE FROM spending WHERE counted <> 'billed'",
        "DELETE FROM spending",
    ):
        conn.execute(change)
        assert not spending.agrees(conn)
        spending.add_up_anew(conn)
        assert conn.execute("SELECT * FROM spending").fetchall() == kept


def test_a_ledger_from_before_gets_the_same_sums(conn: Connection) -> None:
    """The migration adds up what is there, also beside an entry that is no JSON any more."""
    write(conn, 1, 7, project="web", tags=("a", "b=c"), team="t", key="k", member="m")
    write(conn, 2, 900, 4, evidence="estimate", rid="r")
    write(conn, 3, -800, 4, kind="adjust", evidence="person", rid="r")
    write(conn, 4, 50, 4, evidence="crash_upper_bound", counted="subscription")
    kept = conn.execute("SELECT * FROM spending").fetchall()
    for broken in (b'{"torn', b"\xff"):
        conn.execute("DROP TABLE spending")
        m008_spending(Database(conn))
        assert conn.execute("SELECT * FROM spending").fetchall() == kept
        conn.execute(
            "INSERT INTO entry (seq, hash, body, kind, ts_us, window_us) VALUES (?,'h',?,?,1,1)",
            (10 + len(broken), broken, "note"),
        )
