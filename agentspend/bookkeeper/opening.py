"""Opening a ledger on the writer's thread: its genesis, and what a crash left behind."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from agentspend.bookkeeper.adoption import Adoption
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.gate import Gate
from agentspend.bookkeeper.outcomes import Moment
from agentspend.bookkeeper.recovery import read_emergency, recover
from agentspend.core.errors import StoreError
from agentspend.store import conversations, entries, included, requests, spending
from agentspend.wire.entries import decode

Connect = Callable[[], sqlite3.Connection]


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where one ledger lives and who keeps it.

    `inc` names a ledger that is new, and `genesis` are the words of its first entry.
    """

    connect: Connect
    folder: Path
    inc: str
    zone: tzinfo
    genesis: Mapping[str, object]
    read_only: bool = False


class Opened(NamedTuple):
    """A ledger ready to serve; `recovered` holds were left open by a crash."""

    books: Books
    adoption: Adoption
    recovered: int


def open_books(ledger: Ledger, gate: Gate, at: Moment) -> Opened:
    """Open, write the genesis of a new ledger, recover. Raises `StoreError` where even the ballast
    makes no room for that."""
    conn = _connect(ledger, gate)
    first = entries.by_seq(conn, 1)
    inc = decode(first).inc if first else ledger.inc
    books = Books(conn, inc, ledger.zone, read_only=ledger.read_only)
    if ledger.read_only:
        return Opened(books, Adoption(books), 0)
    try:
        opened = _begun_or_with_ballast(ledger, gate, books, at)
    except BaseException:
        conn.close()
        raise
    gate.emergency.unlink(missing_ok=True)
    gate.begin()
    return opened


def _connect(ledger: Ledger, gate: Gate) -> sqlite3.Connection:
    """Open the file; on a full disk SQLite needs room even for that."""
    try:
        return ledger.connect()
    except StoreError:
        if ledger.read_only or not gate.free_ballast():
            raise
        return ledger.connect()


def _begun_or_with_ballast(ledger: Ledger, gate: Gate, books: Books, at: Moment) -> Opened:
    """On a full disk the ballast makes room for what a crash left behind."""
    try:
        return _begun(ledger, gate, books, at)
    except sqlite3.OperationalError as error:
        gate.close(error)
        try:
            return _begun(ledger, gate, books, at)
        except sqlite3.OperationalError as again:
            raise StoreError(
                f"the ledger cannot be written: {again}", "free some disk space"
            ) from again


def _begun(ledger: Ledger, gate: Gate, books: Books, at: Moment) -> Opened:
    """The first transaction."""
    conn = books.conn
    conn.execute("BEGIN IMMEDIATE")
    try:
        if books.chain.seq == 0:
            books.chain.append("genesis", books.now(at), ledger.genesis)
        adoption = Adoption(books)
        recovered = recover(books, at, read_emergency(gate.emergency))
        conversations.trim(conn)
        requests.trim(conn)
        included.trim(conn, books.now(at))
        if not spending.agrees(conn):
            spending.add_up_anew(conn)
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        books.rolled_back()
        books.events.clear()
        raise
    return Opened(books, adoption, recovered)
