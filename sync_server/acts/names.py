"""Names people give, and finding what they name."""

import re
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select

from agentspend.core.errors import AgentspendError
from sync_server.acts.act import NotFound

LONGEST = 40
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def name_of(text: str) -> str:
    """A name as it stands in ledgers, caps and tables: `Backend Team` → `backend-team`.

    Raises `AgentspendError` for one that nothing is left of.
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", text.strip().lower()).strip("-._")[:LONGEST]
    if not _NAME.fullmatch(name):
        raise AgentspendError(f"{text!r} is no name", "use letters, digits, dots and dashes")
    return name


def found(conn: Connection, table: Table, key: str, what: str) -> RowMapping:
    """The row of a name. Raises `NotFound`, with the names there are."""
    column = next(iter(table.primary_key))
    row = conn.execute(select(table).where(column == key)).mappings().one_or_none()
    if row is None:
        known = conn.execute(select(column).order_by(column).limit(12)).scalars().all()
        raise NotFound(f"there is no {what} {key!r}", f"there are: {', '.join(known) or 'none'}")
    return row


def all_rows(conn: Connection, table: Table, **where: object) -> list[RowMapping]:
    """All rows that have these values, in the order of their names."""
    column = next(iter(table.primary_key))
    asked = select(table).order_by(column)
    for name, value in where.items():
        asked = asked.where(table.c[name] == value)
    return list(conn.execute(asked).mappings())


def plain(row: RowMapping, *names: str) -> dict[str, Any]:
    """Some columns of a row."""
    return {name: row[name] for name in names}
