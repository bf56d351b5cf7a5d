"""Virtual keys on disk: settings, states, tokens as hashes, and what each key was charged."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from sqlite3 import Connection

import pytest

from agentspend.core.limits import READ_PAGE_ROWS
from agentspend.core.virtual_keys import VirtualKey
from agentspend.store import virtual_keys

KEY = VirtualKey(
    "alice", models=("gpt-*",), tpm=9, rpm=8, parallel=7, agent="claude", provider="x",
    project="p", tags=("a=b",), expires_us=50, created_us=10,
)  # fmt: skip


def test_a_key_comes_back_as_it_was_kept(conn: Connection) -> None:
    """All of it, oldest first; what may change is changed."""
    one = virtual_keys.add(conn, KEY)
    two = virtual_keys.add(conn, VirtualKey("bob", created_us=11))
    assert list(virtual_keys.all_keys(conn).items()) == [
        (one, KEY), (two, VirtualKey("bob", created_us=11))
    ]  # fmt: skip

    changed = replace(KEY, rpm=80, models=(), expires_us=60, blocked_us=20)
    virtual_keys.change(conn, one, changed)
    assert virtual_keys.all_keys(conn)[one] == changed


def test_an_alias_is_free_again_when_its_key_is_deleted(conn: Connection) -> None:
    """Two living keys never share a name; the deleted one stays on record."""
    one = virtual_keys.add(conn, KEY)
    with pytest.raises(sqlite3.IntegrityError):
        virtual_keys.add(conn, KEY)
    virtual_keys.change(conn, one, replace(KEY, deleted_us=30))
    two = virtual_keys.add(conn, KEY)
    assert set(virtual_keys.all_keys(conn)) == {one, two}


def test_tokens_end_but_never_later_than_they_would(conn: Connection) -> None:
    """A second rotation with a longer grace gives no old token back."""
    number = virtual_keys.add(conn, KEY)
    virtual_keys.add_token(conn, "one", number)
    virtual_keys.end_tokens(conn, number, 100)
    virtual_keys.add_token(conn, "two", number)
    virtual_keys.end_tokens(conn, number, 500)
    virtual_keys.add_token(conn, "three", number)
    assert sorted(virtual_keys.all_tokens(conn)) == [
        ("one", number, 100), ("three", number, None), ("two", number, 500)
    ]  # fmt: skip
    with pytest.raises(sqlite3.IntegrityError):
        virtual_keys.add_token(conn, "one", number)


def test_charges_are_added_up_page_by_page(conn: Connection, charge: Callable[..., None]) -> None:
    """Every entry of the key once, corrections included, list price apart; others not at all."""
    count = READ_PAGE_ROWS + 3
    for number in range(count):
        charge(10, at_us=number, key="alice")
        charge(99, key="bob")
    charge(7, counted="subscription", at_us=9_000, key="alice")
    charge(-4, kind="adjust", at_us=9_999, key="alice")

    pages = []
    after = 0
    while (page := virtual_keys.charges(conn, "alice", after))[0]:
        pages.append(page[1:])
        after = page[0]

    assert len(pages) == 2
    assert [sum(column) for column in zip(*pages, strict=True)] == [count + 1, count * 10 - 4, 7]
    assert virtual_keys.last_charged_us(conn, "alice") == 9_000
    assert virtual_keys.last_charged_us(conn, "carol") is None
