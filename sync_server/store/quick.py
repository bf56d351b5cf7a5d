"""Statements that every report runs: prepared once, and on SQLite handed to the driver itself.

SQLAlchemy's own handling of a small statement costs several times what SQLite takes to run it. On
PostgreSQL, where the way there costs more than either, they run as every other.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import NoResultFound

_DIALECT = sqlite.dialect(paramstyle="named")
Values = Mapping[str, object]


class Quick:
    """One statement, its values named by `bindparam`."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._sql = str(statement.compile(dialect=_DIALECT))  # type: ignore[attr-defined]
        self._row = _reader(statement) if isinstance(statement, Select) else tuple

    def rows(self, conn: Connection, values: Values) -> list[Any]:
        """What it finds; columns by name where they were named to SQLAlchemy."""
        if conn.dialect.name != "sqlite":
            return list(conn.execute(self._statement, dict(values)))
        return [*map(self._row, _driver(conn).execute(self._sql, values))]

    def one(self, conn: Connection, values: Values) -> Any:
        """The one row it finds. Raises `NoResultFound` for none."""
        found = self.row(conn, values)
        if found is None:
            raise NoResultFound
        return found

    def row(self, conn: Connection, values: Values) -> Any:
        """The one row it finds, None for none."""
        found = self.rows(conn, values)
        assert len(found) < 2
        return found[0] if found else None

    def run(self, conn: Connection, values: Values) -> int:
        """Write; answers how many rows it met."""
        if conn.dialect.name != "sqlite":
            return conn.execute(self._statement, dict(values)).rowcount
        return int(_driver(conn).execute(self._sql, values).rowcount)

    def run_each(self, conn: Connection, values: Sequence[Values]) -> None:
        """Write several rows."""
        if conn.dialect.name != "sqlite":
            conn.execute(self._statement, [dict(each) for each in values])
        else:
            _driver(conn).executemany(self._sql, values)


def _driver(conn: Connection) -> Any:
    return conn.connection.dbapi_connection


def _reader(statement: Select[Any]) -> Callable[[Sequence[Any]], Any]:
    """Makes of the driver's row what SQLAlchemy would: SQLite knows no booleans."""
    columns = list(statement.selected_columns)
    row = namedtuple("row", [column.key for column in columns])  # type: ignore[misc]
    kinds = [column.type.dialect_impl(_DIALECT) for column in columns]
    found = [kind.result_processor(_DIALECT, None) for kind in kinds]
    changed = [(place, change) for place, change in enumerate(found) if change is not None]
    if not changed:
        return row._make

    def read(values: Sequence[Any]) -> Any:
        out = list(values)
        for place, change in changed:
            out[place] = change(out[place])
        return row._make(out)

    return read
