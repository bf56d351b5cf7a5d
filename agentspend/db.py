"""Open SQLite the one right way (protocol study §4.1, §4.6). Knows no table.

WAL with `synchronous=FULL`: a commit survives kill -9 always, and power loss on an honest disk.
Transactions are begun by hand (`BEGIN IMMEDIATE`), so autocommit mode is used throughout.
"""

import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from agentspend.core.errors import StoreError
from agentspend.mounts import network_kind

if TYPE_CHECKING:
    from sqlite_utils import Database

LOCAL_HOME = "/var/tmp/agentspend-$USER"  # noqa: S108 - a hint; the folder is made 0700
"""Where a home on a network has its own disk: kept across restarts, unlike /tmp."""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a database with our settings; the file is created 0600.

    Raises `StoreError` for a network filesystem, where WAL cannot work, and for a file that
    cannot be opened.
    """
    refuse_network_filesystem(path)
    try:
        if not read_only and not path.exists():
            _create(path)
        mode = "ro" if read_only else "rw"
        conn = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            _set_up(conn, read_only=read_only)
        except BaseException:
            conn.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"the ledger {path} cannot be opened: {error}", "agentspend doctor"
        ) from error
    return conn


def _create(path: Path) -> None:
    """An empty file that only its owner can read."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _set_up(conn: sqlite3.Connection, *, read_only: bool) -> None:
    """Apply our settings, and make sure of the one that SQLite may silently not apply."""
    for pragma in _pragmas(read_only=read_only):
        conn.execute(f"PRAGMA {pragma}")
    if not read_only:
        journal = conn.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if journal != "wal":
            raise OSError(f"its filesystem allows no write-ahead log (journal mode {journal})")


def _pragmas(*, read_only: bool) -> list[str]:
    pragmas = ["busy_timeout=5000", "foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON"]
    if not read_only:
        pragmas.append("synchronous=FULL")
    if sys.platform == "darwin":
        pragmas.append("fullfsync=ON")
    return pragmas


def empty_log(conn: sqlite3.Connection) -> None:
    """Move what the write-ahead log holds into the file itself, as far as readers let it.

    A disk that takes nothing, or a damaged file, is no error here: all of it stays in the log, and
    the next commit says what is wrong.
    """
    with suppress(sqlite3.Error):
        conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def quick_check(conn: sqlite3.Connection, path: Path) -> None:
    """Look for damage; 24 ms for 100,000 entries (protocol study §4.5)."""
    try:
        found = conn.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise StoreError(
            f"the ledger {path} is damaged: {found}",
            f"keep the file for the audit, move it aside (mv {path} {path}.corrupt), and start"
            " again; a backup from before the last upgrade may stand beside it",
        )


def version(conn: sqlite3.Connection) -> int:
    """The schema version the file says it has."""
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def migrate(
    conn: sqlite3.Connection,
    path: Path,
    migrations: Sequence[Callable[["Database"], None]],
) -> None:
    """Bring the schema to `len(migrations)`, forward only, each step in one transaction.

    A database that is not new is copied first, to `NAME.before-vN`. A newer schema than this
    program knows is refused. sqlite-utils is imported only when there is something to do.
    """
    target = len(migrations)
    now = version(conn)
    _refuse_newer(now, target, path)
    if now == target:
        return
    from sqlite_utils import Database

    if now > 0:
        backup = path.with_name(f"{path.name}.before-v{target}")
        backup.unlink(missing_ok=True)
        _create(backup)
        conn.execute("VACUUM INTO ?", (str(backup),))
    database = Database(conn)
    for number in range(now, target):
        conn.execute("BEGIN IMMEDIATE")
        try:
            migrations[number](database)
            conn.execute(f"PRAGMA user_version = {number + 1}")
            conn.execute("COMMIT")
        except BaseException:
            conn.execute("ROLLBACK")
            raise


def refuse_other_schema(conn: sqlite3.Connection, path: Path, target: int) -> None:
    """Refuse to read a ledger that would have to be migrated first, or that is newer."""
    now = version(conn)
    _refuse_newer(now, target, path)
    if now < target:
        raise StoreError(
            f"the ledger {path} has schema {now}, cannot be written, and so stays older than"
            f" schema {target}, which this agentspend reads",
            f"make it writable: chmod u+w {path}",
        )


def _refuse_newer(now: int, target: int, path: Path) -> None:
    if now > target:
        raise StoreError(
            f"the ledger {path} has schema {now}, and this agentspend knows only {target}",
            "install the newer agentspend again: uv tool upgrade agentspend-cli",
        )


def refuse_network_filesystem(path: Path) -> None:
    """Refuse a database on NFS and its like: WAL needs shared memory between processes."""
    kind = network_kind(path)
    if kind:
        raise StoreError(
            f"the ledger {path} is on a network filesystem ({kind}), where it could be damaged",
            f"keep it on a local disk: export AGENTSPEND_HOME={LOCAL_HOME}",
        )
