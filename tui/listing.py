"""A list as it is drawn: the columns there is room for, the rows that pass, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentspend.core.filters import Filter
from tui import views
from tui.arrangement import Arrangement, arranged
from tui.columns import MARK_CELLS, line_of, needed, widths
from tui.day import Day
from tui.now import Now
from tui.rows import Column, Row, Table, View

NAMES_OF_REQUESTS = "REQUEST"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is drawn: the head's words, the columns and their places in a row, the rows. `known`
    counts those filtered out as well."""

    head: str
    columns: Sequence[Column]
    places: Sequence[int]
    rows: Sequence[Row]
    known: int


def kept(table: Table, least: int, cells: int) -> list[int]:
    """The places of the columns that this width class has, as many as there is room for: what is
    missed least goes first, from the right."""
    places = [place for place, each in enumerate(table.columns) if each.least <= least]
    while needed([table.columns[place] for place in places]) > cells:
        spare = max(table.columns[place].least for place in places)
        if not spare:
            break
        places.remove(max(n for n in places if table.columns[n].least == spare))
    return places


def listing(
    view: View, day: Day, now: Now, passes: Filter, order: Arrangement, least: int, cells: int
) -> Listing:
    """The list of a view in so many cells."""
    table = views.table(view, day, now)
    column, reverse = order.by(view, table)
    passing = [row for row in table.rows if passes.matches(row.fields, row.nusd, row.flags)]
    rows = order.rows(view, table, passing, now.us)
    places = kept(table, least, cells)
    arrow = "▼" if reverse else "▲"
    columns = [table.columns[place] for place in places]
    names = [
        each.name + (arrow if place == column else "")
        for place, each in zip(places, columns, strict=True)
    ]
    return Listing(_head(names, columns, cells), columns, places, rows, len(table.rows))


def newest(day: Day, now: Now, count: int, cells: int) -> Listing:
    """The newest requests, for a list that is only looked at."""
    table = views.table(View.REQUESTS, day, now)
    places = [n for n, each in enumerate(table.columns) if each.name != NAMES_OF_REQUESTS]
    columns = [table.columns[place] for place in places]
    rows = arranged(table.rows, table.sort, reverse=True)[:count]
    names = [each.name for each in columns]
    return Listing(_head(names, columns, cells), columns, places, rows, len(table.rows))


def _head(names: Sequence[str], columns: Sequence[Column], cells: int) -> str:
    return " " * MARK_CELLS + line_of(names, columns, widths(columns, cells))
