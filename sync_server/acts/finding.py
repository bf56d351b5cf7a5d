"""Finding what a name names."""

from sqlalchemy import Connection, RowMapping, Table, select

from sync_server.acts.act import NotFound


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
