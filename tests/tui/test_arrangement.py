"""The order of rows: chosen, stable, and calm."""

from tui.arrangement import ANEW_EVERY_US, Arrangement
from tui.rows import Column, Row, Table, View

COLUMNS = (Column("NAME", 5), Column("SPENT", 5))


def _table(**spent: int) -> Table:
    rows = [Row(name, (name, str(nusd)), (name, nusd)) for name, nusd in spent.items()]
    return Table(COLUMNS, rows, sort=1)


def _keys(arrangement: Arrangement, table: Table, now_us: int) -> str:
    return "".join(row.key for row in arrangement.rows(View.AGENTS, table, table.rows, now_us))


def test_rows_keep_their_places_for_a_second() -> None:
    """However much they spend meanwhile; a new one comes on top."""
    arrangement = Arrangement()
    assert _keys(arrangement, _table(a=1, b=3, c=2), 10**9) == "bca"
    assert _keys(arrangement, _table(a=9, b=3, c=2, d=0), 10**9 + 1) == "dbca"
    assert _keys(arrangement, _table(a=9, b=3, c=2, d=0), 10**9 + ANEW_EVERY_US) == "abcd"


def test_a_choice_holds_at_once_and_for_its_list() -> None:
    """Another column, the other way round; equal rows stand by name."""
    arrangement, table = Arrangement(), _table(b=1, a=1, c=2)
    assert _keys(arrangement, table, 10**9) == "cab"
    arrangement.turn(View.AGENTS, table)
    assert _keys(arrangement, table, 10**9) == "abc"
    arrangement.next_column(View.AGENTS, table, [0, 1])
    assert arrangement.by(View.AGENTS, table) == (0, False)
    arrangement.click(View.AGENTS, table, 0)
    assert _keys(arrangement, table, 10**9) == "cba"
    assert arrangement.by(View.MODELS, table) == (1, True)
