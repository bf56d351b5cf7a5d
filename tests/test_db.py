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


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
proc /proc proc rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/me/local xfs rw 0 0
systemd-1 /net/share autofs rw 0 0
//nas/share /net/share cifs rw 0 0
//nas/b /mnt/My\\040Share cifs rw 0 0
host:/ /homes fuse.sshfs rw 0 0

odd
"""


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("/var/lib/ledger.db", "ext4"),
        ("/home/me/ledger.db", "nfs4"),
        ("/home", "nfs4"),
        ("/home/me/local/ledger.db", "xfs"),
        ("/home/me/locale/ledger.db", "nfs4"),
        ("/homestead/ledger.db", "ext4"),
        ("/net/share/ledger.db", "cifs"),
        ("/mnt/My Share/ledger.db", "cifs"),
    ],
)
def test_the_mount_a_path_is_on_is_found(tmp_path: Path, where: str, kind: str) -> None:
    """The deepest, the last of two at one point, and names with spaces."""
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    assert db.filesystem_kind(Path(where), table) == kind


def test_a_link_is_followed_to_where_the_file_is(tmp_path: Path) -> None:
    """A home of links does not hide the network behind it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    table = tmp_path / "mounts"
    table.write_bytes(b"x %s nfs rw\n/dev / ext4 rw\n" % bytes(tmp_path / "real"))
    assert db.filesystem_kind(tmp_path / "link" / "ledger.db", table) == "nfs"


@pytest.mark.parametrize("kind", sorted(db.NETWORK_FILESYSTEMS))
def test_a_network_filesystem_is_refused(tmp_path: Path, kind: str) -> None:
    """Two machines would each believe that they hold the only lock."""
    table = tmp_path / "mounts"
    table.write_text(f"server:/x / {kind} rw 0 0\n")
    with pytest.raises(StoreError, match="network filesystem") as raised:
        db.refuse_network_filesystem(tmp_path / "ledger.db", table)
    assert "AGENTSPEND_HOME" in raised.value.hint


def test_connecting_looks_at_the_mount_table(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a file is made."""
    monkeypatch.setattr(db, "filesystem_kind", lambda _path, _mounts: "nfs4")
    with pytest.raises(StoreError, match="nfs4"):
        db.connect(path)
    assert not path.exists()


def test_without_a_mount_table_nothing_is_refused(tmp_path: Path) -> None:
    """macOS has none."""
    assert db.filesystem_kind(tmp_path, tmp_path / "none") == ""
    db.refuse_network_filesystem(tmp_path, tmp_path / "none")
