"""The database's schema: made by migrations, equal to the tables the statements are written for."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from sync_server.store.opening import MIGRATIONS, migrate, open_engine
from sync_server.store.spending import HOUR_US, words_sha256
from sync_server.store.tables import entries, members, memberships, metadata, spending

OLD_ROWS = (
    "INSERT INTO org VALUES ('o', 'Acme', 'UTC', 1, 0, 0, '', 0, '', '{}', 0)",
    "INSERT INTO team (id, org, name) VALUES ('t', 'o', 'T')",
    "INSERT INTO member VALUES ('m', 'o', 't', 'M', '', 'member', '', 1)",
    "INSERT INTO device VALUES ('d', 'o', 'm', '', x'00', 1, 0, 0)",
    "INSERT INTO incarnation VALUES ('i_1', 'd', 'n', 'active', 6, 'h')",
)


def test_migrations_make_the_tables(tmp_path: Path) -> None:
    """Nothing is missing, nothing is left over; running them again changes nothing."""
    engine = open_engine(f"sqlite:///{tmp_path}/server.db")
    migrate(engine)
    migrate(engine)
    with engine.begin() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
        names = set(conn.execute(text("SELECT name FROM sqlite_master")).scalars())
    assert {f"ix_{name}" for name in ("account_open", "pool_org", "incarnation_device")} < names


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


def test_entries_that_are_there_are_added_up(tmp_path: Path) -> None:
    """A server of the version before: its reports say the same, its ledgers are whole."""
    engine = open_engine(f"sqlite:///{tmp_path}/server.db")
    migrate(engine, "0002")
    words = {"member": "m", "device": "d", "agent": "a", "branch": "b", "provider": "p"}
    with engine.begin() as conn:
        for line in OLD_ROWS:
            conn.execute(text(line))
        for seq, hour, project, nusd, kind in (
            (1, 0, "", 0, "genesis"), (2, 5, "api", 30, "settle"), (3, 5, "api", 12, "settle"),
            (4, 5, "web", 7, "settle"), (5, 6, "api", -2, "adjust"), (6, 6, "api", 9, "return"),
        ):  # fmt: skip
            row = {**words, "inc": "i_1", "seq": seq, "hash": "h", "body": f"body {seq}",
                   "kind": kind, "ts_us": hour * HOUR_US + 3, "amount_nusd": nusd,
                   "counted": "billed", "project": project, "model": "opus"}  # fmt: skip
            marks = ", ".join(f":{name}" for name in row)
            conn.execute(text(f"INSERT INTO entry ({', '.join(row)}) VALUES ({marks})"), row)
    migrate(engine)
    with engine.begin() as conn:
        found = conn.execute(select(spending).order_by(spending.c.hour, spending.c.project)).all()
        kept = [row.body for row in conn.execute(select(entries).order_by(entries.c.seq))]
    assert [
        (row.hour, row.project, row.amount_nusd, row.requests, row.first_seq, row.last_seq)
        for row in found
    ] == [(5, "api", 42, 2, 2, 3), (5, "web", 7, 1, 4, 4), (6, "api", -2, 1, 5, 5)]
    assert {row.words_sha256 for row in found} == {words_sha256(row._mapping) for row in found}
    assert kept == [f"body {seq}" for seq in range(1, 7)]
    with engine.begin() as conn:
        assert conn.execute(select(memberships)).all() == [("m", "t", True)]
        assert conn.execute(select(members.c.further)).scalar_one() == "[]"
