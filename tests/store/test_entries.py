"""Entries: append only, read back in order, added up by scope and window."""

import sqlite3
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentspend.core.scopes import KEYS, Payer, Scope, glob
from agentspend.core.windows import Span
from agentspend.store import entries
from agentspend.store.entries import Part
from agentspend.store.ledger_file import open_ledger

Charge = Callable[..., None]
DAY = Span("d", 100, 200)
WHO = {key: f"{key}-1" for key in KEYS if key != "tag"}


def spent(conn: Connection, span: Span = DAY, *, billed_only: bool = True, **scope: str) -> int:
    """What a scope spent in a span."""
    return entries.spent_nusd(conn, Part(Scope.of(scope), billed_only=billed_only), span)


def test_a_sequence_number_is_used_once(conn: Connection, charge: Charge) -> None:
    """Nothing is written over."""
    charge(5)
    with pytest.raises(sqlite3.IntegrityError):
        entries.append(conn, entries.Row(1, "other", b"{}", "settle", 1, 1))
    assert entries.head(conn) == (1, "h1")


def test_an_empty_ledger_has_no_head(conn: Connection) -> None:
    """And knows of no moment and no entry."""
    assert entries.head(conn) == (0, "")
    assert entries.latest_us(conn) == 0
    assert entries.last_of_kind(conn, "policy") is None
    assert entries.by_seq(conn, 1) is None
    assert list(entries.bodies(conn)) == []


def test_entries_are_read_in_order_across_pages(conn: Connection) -> None:
    """More than a page of them, each once, byte for byte."""
    bodies = [b'{"n":%d}' % n for n in range(1, 1_204)]
    for seq, body in enumerate(bodies, 1):
        entries.append(conn, entries.Row(seq, f"h{seq}", body, "note", seq, seq, rid=f"r{seq % 7}"))
    assert list(entries.bodies(conn)) == bodies
    assert [row[0] for row in entries.page(conn, 1_200)] == [1_201, 1_202, 1_203]
    assert entries.last_of_kind(conn, "note") == bodies[-1]
    assert entries.by_seq(conn, 5) == bodies[4]
    assert entries.of_request(conn, "r3")[:2] == [bodies[2], bodies[9]]


def test_a_window_counts_its_first_moment_and_not_its_last(
    conn: Connection, charge: Charge
) -> None:
    """Half-open: the end belongs to the next window."""
    for nusd, at_us in ((1, 99), (2, 100), (4, 199), (8, 200)):
        charge(nusd, at_us)
    assert spent(conn) == 6
    assert spent(conn, Span("total", 0, None)) == 15
    found = entries.charges(conn, Part(billed_only=True), 100)
    assert sorted(found) == [(199, 4), (200, 8)]


@pytest.mark.parametrize("key", list(WHO))
def test_a_budget_counts_what_its_scope_spent(conn: Connection, charge: Charge, key: str) -> None:
    """By each attribute, exactly."""
    charge(1, 150, **WHO)
    charge(2, 150, **{**WHO, key: f"{key}-12"})
    charge(4, 150)
    scope: dict[str, Any] = {key: f"{key}-1"}
    assert spent(conn, **scope) == 1
    assert spent(conn) == 7


def test_a_tag_is_found_among_several_and_counted_once(conn: Connection, charge: Charge) -> None:
    """Two matching tags are still one charge."""
    charge(1, 150, tags=("team=web", "team=ops", "✓ \\"))
    charge(2, 150, tags=("spike",))
    charge(4, 150)
    assert spent(conn, tag="team=*") == 1
    assert spent(conn, tag="spike") == 2
    assert spent(conn, tag="✓ \\") == 1
    assert spent(conn, tag="*") == 3


def test_corrections_count_in_the_window_of_what_they_correct(
    conn: Connection, charge: Charge
) -> None:
    """An adjust lowers the day it belongs to."""
    charge(10, 150)
    charge(-4, 150, kind="adjust")
    assert spent(conn) == 6
    found = entries.charges(conn, Part(billed_only=True), 0)
    assert sorted(found) == [(150, -4), (150, 10)]


def test_subscription_use_counts_only_where_all_counts(conn: Connection, charge: Charge) -> None:
    """List-price dollars stay out of budgets of real ones."""
    charge(1, 150)
    charge(2, 150, "subscription")
    assert spent(conn) == 1
    assert spent(conn, billed_only=False) == 3
    assert len(entries.charges(conn, Part(), 0)) == 2


def test_a_session_counts_its_own_whenever_it_spent(conn: Connection, charge: Charge) -> None:
    """Colons in a name are part of it; no session at all is a session of its own."""
    charge(1, 5, session="s:1")
    charge(2, 10**15, session="s:1", subagent="a:b")
    charge(4, 5, session="s")
    charge(8, 5)
    assert spent(conn, Span("", 0, None, (("session", "s:1"),))) == 3
    assert spent(conn, Span("", 0, None, (("session", ""),))) == 8
    assert spent(conn, Span("", 0, None, (("session", "s:1"), ("subagent", "a:b")))) == 2
    assert spent(conn, Span("", 0, None, (("session", "s:1"), ("subagent", "")))) == 1


def test_time_never_moves_back_behind_what_is_known(conn: Connection, charge: Charge) -> None:
    """Entries, holds and open accounts all tell the time."""
    charge(1, 500)
    assert entries.latest_us(conn) == 500
    conn.execute("INSERT INTO hold VALUES ('r', 1, 900, 's', x'00')")
    assert entries.latest_us(conn) == 900


CHARACTERS = st.sampled_from("ab-[]!^?*\\=é✓\n ")
PATTERNS = st.text(CHARACTERS, min_size=1, max_size=6)
TEXTS = st.text(CHARACTERS, min_size=1, max_size=6)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """One ledger for the many examples below; each rolls back what it wrote."""
    connect, _ = open_ledger(Path(tmp_path_factory.mktemp("glob")) / "ledger.db")
    opened = connect()
    yield opened
    opened.close()


@settings(max_examples=400)
@given(PATTERNS, st.lists(TEXTS, max_size=2))
@example("opus[1m]", ["opus[1m]"])
@example("[!a]", ["b"])
@example("[^a]", ["b"])
@example("[a-b]", ["b"])
@example("[]a]", ["a"])
@example("[", ["["])
@example("a]", ["a]"])
@example("*[*", ["a[b"])
def test_the_ledger_and_the_door_agree_on_every_pattern(
    scratch: Connection, pattern: str, texts: list[str]
) -> None:
    """A request that counts in a budget is found there again when its account opens anew."""
    first, last = (texts[0], texts[-1]) if texts else ("", "")
    payer = Payer(model=first, project=first, tags=(*texts, f"project={last}"))
    scratch.execute("BEGIN")
    entries.append(scratch, entries.Row(1, "h", b"{}", "settle", 150, 150, 1, "billed", "r", payer))
    for key in ("model", "tag", "project"):
        found = entries.spent_nusd(scratch, Part(Scope.of({key: pattern})), DAY)
        assert found == Scope.of({key: pattern}).matches(payer), key
    scratch.execute("ROLLBACK")


@given(PATTERNS, TEXTS)
def test_only_star_and_question_mark_are_wild(pattern: str, text: str) -> None:
    """A plain reading of the pattern, character by character, says the same."""

    def reads(wanted: str, rest: str) -> bool:
        if not wanted:
            return not rest
        if wanted[0] == "*":
            return reads(wanted[1:], rest) or (bool(rest) and reads(wanted, rest[1:]))
        return bool(rest) and wanted[0] in ("?", rest[0]) and reads(wanted[1:], rest[1:])

    assert fnmatchcase(text, glob(pattern)) == reads(pattern, text)
