"""SQLite opened the one right way: durable, checked, never newer, never over a network."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentspend import db
from agentspend.core.errors import StoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database goes."""
    return tmp_path / "ledger.db"


@pytest.fixture
def conn(path: Path) -> Iterator[sqlite3.Connection]:
    """An open connection."""
    opened = db.connect(path)
    yield opened
    opened.close()


def first(database: Any) -> None:
    """A first migration."""
    database.execute("CREATE TABLE money (nusd INTEGER NOT NULL)")


def second(database: Any) -> None:
    """A second one."""
    database.execute("ALTER TABLE money ADD COLUMN note TEXT NOT NULL DEFAULT ''")


def failing(database: Any) -> None:
    """One that breaks half way."""
    database.execute("ALTER TABLE money ADD COLUMN half TEXT")
    raise RuntimeError("half way")


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("busy_timeout", 5_000),
    ],
)
def test_every_setting_is_in_force(conn: sqlite3.Connection, pragma: str, value: object) -> None:
    """A commit is on the disk before it is answered."""
    assert conn.execute(f"PRAGMA {pragma}").fetchone()[0] == value


def test_transactions_are_begun_by_hand(conn: sqlite3.Connection) -> None:
    """No statement begins one behind our back."""
    conn.execute("CREATE TABLE t (a)")
    conn.execute("INSERT INTO t VALUES (1)")
    assert not conn.in_transaction


def test_only_its_owner_can_read_it(path: Path, conn: sqlite3.Connection) -> None:
    """The file, and what SQLite puts beside it."""
    conn.execute("CREATE TABLE t (a)")
    for each in path.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each


def test_a_path_with_any_characters_is_the_file_of_that_name(tmp_path: Path) -> None:
    """Not an option of SQLite's."""
    odd = tmp_path / "a?mode=memory&b#c %20 é.db"
    db.connect(odd).close()
    assert odd.exists()


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """A folder that is not there, and a folder in its place."""
    for wrong in (tmp_path / "none" / "ledger.db", tmp_path):
        with pytest.raises(StoreError, match="cannot be opened") as raised:
            db.connect(wrong)
        assert raised.value.hint == "agentspend doctor"


def test_a_file_system_without_a_write_ahead_log_is_refused(
    conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself would go on with another journal and say nothing."""
    memory = sqlite3.connect(":memory:")
    with pytest.raises(OSError, match="journal mode memory"):
        db._set_up(memory, read_only=False)
    memory.close()


def test_a_read_only_connection_writes_nothing(path: Path, conn: sqlite3.Connection) -> None:
    """And does not make a file that is not there."""
    conn.execute("CREATE TABLE t (a)")
    reader = db.connect(path, read_only=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO t VALUES (1)")
    reader.close()
    with pytest.raises(StoreError):
        db.connect(path.with_name("none.db"), read_only=True)
    assert not path.with_name("none.db").exists()


def test_a_sound_file_passes_the_check(path: Path, conn: sqlite3.Connection) -> None:
    """Quietly."""
    db.quick_check(conn, path)


@pytest.mark.parametrize("where", ["page", "header", "end"])
def test_a_damaged_file_is_found(path: Path, where: str) -> None:
    """A page of noise, a broken header, or a file that ends too early."""
    opened = db.connect(path)
    opened.execute("CREATE TABLE t (a)")
    opened.executemany("INSERT INTO t VALUES (?)", [("x" * 500,) for _ in range(400)])
    opened.close()
    data = bytearray(path.read_bytes())
    if where == "page":
        data[8_192:12_288] = bytes(range(256)) * 16
    elif where == "header":
        data[0:16] = b"no such database"
    else:
        del data[-20_000:]
    path.write_bytes(data)
    with pytest.raises(StoreError) as raised, closing(db.connect(path)) as damaged:
        db.quick_check(damaged, path)
    assert str(path) in raised.value.message
    assert raised.value.hint


def test_migrations_run_once_and_in_order(path: Path, conn: sqlite3.Connection) -> None:
    """The file counts what it has had."""
    db.migrate(conn, path, [first])
    conn.execute("INSERT INTO money VALUES (7)")
    db.migrate(conn, path, [first, second])
    db.migrate(conn, path, [first, second])
    assert db.version(conn) == 2
    assert conn.execute("SELECT nusd, note FROM money").fetchall() == [(7, "")]


def test_the_file_is_copied_before_it_is_changed(path: Path, conn: sqlite3.Connection) -> None:
    """As it was, for its owner alone, replacing the copy of an upgrade that failed."""
    backup = path.with_name("ledger.db.before-v2")
    db.migrate(conn, path, [first])
    assert not backup.with_name("ledger.db.before-v1").exists()
    conn.execute("INSERT INTO money VALUES (7)")
    backup.write_text("left over")
    db.migrate(conn, path, [first, second])
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT * FROM money").fetchall() == [(7,)]
    assert copy.execute("PRAGMA user_version").fetchone() == (1,)
    copy.close()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_migration_that_fails_changes_nothing(path: Path, conn: sqlite3.Connection) -> None:
    """The steps before it stand, its own are undone."""
    with pytest.raises(RuntimeError, match="half way"):
        db.migrate(conn, path, [first, failing])
    assert db.version(conn) == 1
    assert not conn.in_transaction
    columns = [row[1] for row in conn.execute("PRAGMA table_info(money)")]
    assert columns == ["nusd"]


def test_a_newer_file_is_refused_untouched(path: Path, conn: sqlite3.Connection) -> None:
    """An older program does not guess what newer columns mean."""
    conn.execute("PRAGMA user_version = 3")
    with pytest.raises(
        StoreError, match="has schema 3, and this agentspend knows only 1"
    ) as raised:
        db.migrate(conn, path, [first])
    assert "upgrade" in raised.value.hint
    assert conn.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_network_filesystem_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a file is made: two machines would each believe that they hold the only lock."""
    monkeypatch.setattr(db, "network_kind", lambda _path: "nfs4")
    with pytest.raises(StoreError, match=r"network filesystem \(nfs4\)") as raised:
        db.connect(path)
    assert "AGENTSPEND_HOME" in raised.value.hint
    assert not path.exists()
