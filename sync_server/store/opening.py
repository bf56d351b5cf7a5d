"""Open the database the one right way, and bring its schema up to date.

On SQLite a transaction is `BEGIN IMMEDIATE` on one connection at a time, so that a decision reads
what it changes and nobody else writes between. On PostgreSQL the organisation's row is locked
instead (`cases.lock`); who only looks there sees one moment (`looking`). WAL and
`synchronous=FULL`, there `synchronous_commit`: what was answered survives a power cut.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.pool import QueuePool

MIGRATIONS = Path(__file__).with_name("migrations")
MIGRATING = 0x6167656E74
"""The name of the lock, among those of the database."""
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    "trusted_schema=OFF",
    "cell_size_check=ON",
)


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:////path/server.db` or a PostgreSQL address.

    Of SQLite one connection only: two that checkpoint at once can damage the file before version
    3.51.3 (protocol study [D10]).
    """
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_engine(url)
        event.listen(engine, "connect", _durable)
        return engine
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _settle)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def looking(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes nothing, and sees one moment in all it reads: sums and what they
    are the sums of, a policy and its number."""
    with engine.connect() as conn:
        if engine.dialect.name != "sqlite":
            conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with conn.begin():
            yield conn


def _durable(connection: Any, _record: object) -> None:
    """A commit has returned when it is on disk, also where the database was told not to wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


def _settle(connection: Any, _record: object) -> None:
    """Our settings; transactions are begun by hand from here on."""
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def migrate(engine: Engine, revision: str = "head") -> None:
    """Run the migrations the database lacks, forward only, in one transaction. Servers that start
    at once on one PostgreSQL take turns."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if engine.dialect.name != "sqlite":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
