"""The database's schema: made by migrations, equal to the tables the statements are written for."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from sync_server.store.opening import MIGRATIONS, migrate, open_engine
from sync_server.store.tables import metadata


def test_migrations_make_the_tables(tmp_path: Path) -> None:
    """Nothing is missing, nothing is left over; running them again changes nothing."""
    engine = open_engine(f"sqlite:///{tmp_path}/server.db")
    migrate(engine)
    migrate(engine)
    with engine.begin() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
        names = set(conn.execute(text("SELECT name FROM sqlite_master")).scalars())
    assert {f"ix_{name}" for name in ("account_open", "pool_org", "entry_ts_us")} < names


def test_migrations_only_go_forward() -> None:
    """One line of revisions; none knows a way back."""
    script = ScriptDirectory(str(MIGRATIONS))
    assert len(script.get_heads()) == 1
    for revision in script.walk_revisions():
        assert not hasattr(revision.module, "downgrade")


def test_sqlite_is_opened_the_one_right_way(tmp_path: Path) -> None:
    """Durable, checked, and a transaction that holds the write lock from its beginning."""
    engine = open_engine(f"sqlite:///{tmp_path}/server.db")
    other = open_engine(f"sqlite:///{tmp_path}/server.db")
    with engine.begin() as conn:
        pragmas = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with engine.begin(), other.connect() as conn:
        driver = conn.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA busy_timeout=0")
        try:
            driver.execute("BEGIN IMMEDIATE")
            locked = False
        except Exception as error:
            locked = "locked" in str(error)
        assert locked
