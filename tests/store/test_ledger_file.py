"""Opening the ledger: checked and migrated first, or refused in words."""

import os
from pathlib import Path

import pytest

from agentspend import db
from agentspend.core.errors import StoreError
from agentspend.store.ledger_file import open_ledger
from agentspend.store.schema import MIGRATIONS


def test_a_ledger_is_made_and_opened_again(tmp_path: Path) -> None:
    """The second opening finds what the first one wrote."""
    path = tmp_path / "ledger.db"
    connect, read_only = open_ledger(path)
    assert not read_only
    conn = connect()
    conn.execute("INSERT INTO meta VALUES ('a', 'b')")
    conn.close()
    again = open_ledger(path)[0]()
    assert again.execute("SELECT value FROM meta").fetchone() == ("b",)
    again.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Nothing is written over it."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"dear diary, " * 1_000)
    with pytest.raises(StoreError, match=r"ledger\.db"):
        open_ledger(path)[0]()
    assert path.read_bytes().startswith(b"dear diary")


def test_a_look_at_a_part_does_not_read_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes seconds for a million entries; one that is migrated is read all the same."""
    path, looked = tmp_path / "ledger.db", list[Path]()
    open_ledger(path)[0]().close()
    monkeypatch.setattr(db, "quick_check", lambda _, path: looked.append(path))
    open_ledger(path, whole=False)[0]().close()
    assert looked == []
    open_ledger(path)[0]().close()
    assert looked == [path]
    older = db.connect(path)
    older.execute("DROP TABLE spending")
    older.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
    older.close()
    open_ledger(path, whole=False)[0]().close()
    assert looked == [path, path]


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger that says it cannot be written, also to a superuser."""
    path = tmp_path / "ledger.db"
    open_ledger(path)[0]().close()
    real = os.access

    def access(name: object, mode: int, **more: object) -> bool:
        return mode != os.W_OK and real(name, mode, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "access", access)
    return path


def test_a_ledger_that_cannot_be_written_is_opened_for_reading(locked: Path) -> None:
    """Status works where spending is refused."""
    connect, read_only = open_ledger(locked)
    assert read_only
    conn = connect()
    assert conn.execute("SELECT count(*) FROM entry").fetchone() == (0,)
    with pytest.raises(Exception, match="readonly"):
        conn.execute("INSERT INTO meta VALUES ('a', 'b')")
    conn.close()


@pytest.mark.parametrize(
    ("version", "said"), [(99, f"knows only {len(MIGRATIONS)}"), (0, "cannot be written")]
)
def test_a_read_only_ledger_of_another_schema_is_not_guessed_at(
    locked: Path, version: int, said: str
) -> None:
    """Newer or older: its columns may mean something else."""
    writable = db.connect(locked)
    writable.execute(f"PRAGMA user_version = {version}")
    writable.close()
    with pytest.raises(StoreError, match=said) as raised:
        open_ledger(locked)[0]()
    assert raised.value.hint
