"""What can be looked at while no daemon runs: answers from the ledger's own file.

The daemon's lock is held meanwhile (DESIGN.md §3), and nothing is changed: what a look must work
out (today's accounts, what the configuration would put in force) is rolled back.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agentspend.cli.ledger_reading import Ask
from agentspend.config.paths import Paths
from agentspend.core.errors import AgentspendError, DaemonSilent, DaemonUnreachable, StoreError

if TYPE_CHECKING:
    import sqlite3
    from datetime import tzinfo

    from agentspend.bookkeeper.adoption import Adoption
    from agentspend.bookkeeper.books import Books
    from agentspend.bookkeeper.outcomes import Moment
    from agentspend.config.load import Loaded
    from agentspend.core.policy import PendingChange

LOCK_WITHIN_S = 5.0
TRY_AGAIN_S = 0.05


@contextmanager
def reader(
    paths: Paths, daemon: Ask, *, must_exist: bool = True, whole: bool = True
) -> Iterator[tuple[Ask, bool]]:
    """Who answers, and whether it is the daemon; the ledger's file when no daemon does.

    Without a ledger: `StoreError`, or what an empty one answers. `whole`: as in `open_ledger`.
    """
    if _answers(daemon):
        yield daemon, True
        return
    import sqlite3

    exists = paths.ledger.exists()
    if must_exist and not exists:
        raise StoreError(f"there is no ledger yet at {paths.ledger}", "agentspend run claude")
    lock = _lock(paths, daemon) if exists else None
    if exists and lock is None:
        yield daemon, True
        return
    try:
        conn = _connect(paths, whole=whole) if exists else _empty(paths)
        try:
            yield _File(paths, conn).ask, False
        except sqlite3.Error as error:
            raise StoreError(
                f"the ledger {paths.ledger} cannot be read: {error}", "agentspend doctor"
            ) from error
        finally:
            conn.close()
    finally:
        if lock is not None:
            os.close(lock)


class _File:
    """The operations that only look, over a connection of our own."""

    def __init__(self, paths: Paths, conn: "sqlite3.Connection") -> None:
        self._paths = paths
        self._conn = conn

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """One question, as the daemon would answer it."""
        from agentspend.store import checkpoints, entries

        if op == "checkpoints":
            return {"checkpoints": checkpoints.all_of(self._conn)}
        if op == "status":
            return self._status()
        if op == "key.list":
            return self._keys()
        if op == "top":
            return self._status() | self._today()
        if op == "spending":
            return self._spending(fields)
        if op == "why":
            return self._why(str(fields["rid"]))
        assert op == "entries", op
        count = int(str(fields["count"]))
        if fields.get("newest"):
            who = {name: str(fields.get(name, "")) for name in ("session", "agent")}
            rows = entries.newest(self._conn, count, **who)
        else:
            rows = entries.page(self._conn, int(str(fields["after"])), count)
        return {"entries": [[seq, digest, _words(body)] for seq, digest, body in rows]}

    def _status(self) -> dict[str, Any]:
        """The snapshot a daemon would start with; what it works out is rolled back."""
        from agentspend.bookkeeper import clock, snapshot
        from agentspend.bookkeeper.adoption import Adoption
        from agentspend.store import pauses

        at = clock()
        loaded, zone, fault = _configuration(self._paths)
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            books = self._books(zone)
            _end_sessions(books, at)
            adoption = Adoption(books)
            waits = _declare(adoption, loaded, at)
            _read_models(books, adoption)
            return {
                "budgets": [*snapshot.budget_lines(books, at), *snapshot.team_lines(books, at)],
                "rules": _rules(loaded, adoption),
                "sessions": [],
                "today_nusd": snapshot.today_nusd(books, at),
                "today_subscription_nusd": snapshot.today_listed_nusd(books, at),
                "windows": snapshot.included_lines(books, at),
                "waits": [{"budget": change.budget, "what": change.text} for change in waits],
                "questions": [],
                "paused": {n: each for n, each in pauses.read(self._conn).items() if not n},
                "gate_closed": "",
                "config_error": fault,
            }
        finally:
            self._conn.execute("ROLLBACK")

    def _today(self) -> dict[str, Any]:
        from agentspend.bookkeeper import clock, day

        _, zone, _ = _configuration(self._paths)
        return day.today(self._books(zone), clock())

    def _spending(self, fields: dict[str, Any]) -> dict[str, Any]:
        from agentspend.bookkeeper import clock, spending

        if "since" not in fields:
            _, zone, _ = _configuration(self._paths)
            return spending.opening(self._conn, zone, clock().wall_us)
        return spending.page(self._conn, fields["words"], fields["since"], fields["until"])

    def _why(self, rid: str) -> dict[str, Any]:
        from datetime import UTC

        from agentspend.bookkeeper import snapshot

        return snapshot.why(self._books(UTC), rid)

    def _keys(self) -> dict[str, Any]:
        from datetime import UTC

        from agentspend.bookkeeper import clock
        from agentspend.daemon.virtual_keys import lines
        from agentspend.store import virtual_keys

        found = [key for key in virtual_keys.all_keys(self._conn).values() if not key.deleted_us]
        return {"keys": lines(self._books(UTC), clock(), found)}

    def _books(self, zone: "tzinfo") -> "Books":
        from agentspend.bookkeeper.books import Books
        from agentspend.store import entries
        from agentspend.wire.entries import decode

        first = entries.by_seq(self._conn, 1)
        return Books(self._conn, decode(first).inc if first else "none", zone)


def _words(body: bytes | str) -> str:
    """An entry as the daemon sends it; one that was tampered with need not even be UTF-8."""
    return body if isinstance(body, str) else body.decode("utf-8", "replace")


def _end_sessions(books: "Books", at: "Moment") -> None:
    """Nobody is let in while no daemon runs."""
    from agentspend.store import sessions

    for row in sessions.all_open(books.conn):
        sessions.close(books.conn, row.id, books.now(at))


def _declare(
    adoption: "Adoption", loaded: "Loaded | None", at: "Moment"
) -> "tuple[PendingChange, ...]":
    """What the configuration would put in force at the next start."""
    if loaded is None:
        return ()
    return adoption.declare(loaded.config.budgets, loaded.settings, at)


def _read_models(books: "Books", adoption: "Adoption") -> None:
    """Read the models of budgets as a daemon would; the prices are loaded only where it matters."""
    from agentspend.cli.access import price_book
    from agentspend.core.model_patterns import may_name

    if any(key == "model" for budget in adoption.budgets for key, _ in budget.scope.terms):
        books.read_models_by(may_name(price_book()))


def _rules(loaded: "Loaded | None", adoption: "Adoption") -> list[dict[str, str]]:
    """The rules a daemon would start with."""
    from agentspend.config.load import adopted
    from agentspend.core.rule_words import rule_lines

    return rule_lines(adopted(loaded, adoption.settings).config.rules) if loaded else []


def _configuration(paths: Paths) -> "tuple[Loaded | None, tzinfo, str]":
    """The configuration and its zone; or, where it cannot be used, this machine's zone and why."""
    import tzlocal

    from agentspend.config.load import load_with_zone

    try:
        loaded = load_with_zone(paths)
    except AgentspendError as error:
        return None, tzlocal.get_localzone(), error.message
    return loaded, loaded.zone, ""


def _answers(daemon: Ask) -> bool:
    try:
        daemon("ping")
    except DaemonSilent:
        raise
    except DaemonUnreachable:
        return False
    return True


def _lock(paths: Paths, daemon: Ask) -> int | None:
    """The daemon's lock, or None when a daemon answers now; waits for one that starts or stops."""
    from agentspend.daemon.lifecycle import LedgerTaken, take_lock

    deadline_s = time.monotonic() + LOCK_WITHIN_S
    while True:
        try:
            return take_lock(paths.lock)
        except OSError as error:
            raise StoreError(
                f"{paths.lock} cannot be locked: {error.strerror}", "agentspend doctor"
            ) from error
        except LedgerTaken:
            if time.monotonic() > deadline_s:
                raise DaemonUnreachable(
                    "a daemon keeps the ledger, but does not answer", "agentspend daemon logs"
                ) from None
        time.sleep(TRY_AGAIN_S)
        if _answers(daemon):
            return None


def _connect(paths: Paths, *, whole: bool) -> "sqlite3.Connection":
    from agentspend.store.ledger_file import open_ledger

    connect, _ = open_ledger(paths.ledger, whole=whole)
    return connect()


def _empty(paths: Paths) -> "sqlite3.Connection":
    """A ledger in memory, as a first start would make it."""
    import sqlite3

    from agentspend import db
    from agentspend.store.schema import MIGRATIONS

    conn = sqlite3.connect(":memory:", isolation_level=None)
    db.migrate(conn, paths.ledger, MIGRATIONS)
    return conn
