"""In which order a list's rows stand: by the column a person chose, and calm.

Rows are arranged anew at most once a second, so that nothing jumps under the cursor.
"""

from collections.abc import Iterable, Sequence

from tui.rows import Row, Table, View

ANEW_EVERY_US = 1_000_000


class Arrangement:
    """The order of every list."""

    def __init__(self) -> None:
        self._chosen: dict[View, tuple[int, bool]] = {}
        self._order: list[str] = []
        self._at_us = 0

    def by(self, view: View, table: Table) -> tuple[int, bool]:
        """The column a list is sorted by, and whether the largest comes first."""
        return self._chosen.get(view, (table.sort, table.reverse))

    def next_column(self, view: View, table: Table, shown: Sequence[int]) -> None:
        """Sort by the next of the columns that are shown."""
        column, reverse = self.by(view, table)
        later = [place for place in shown if place > column] or shown
        self._choose(view, later[0], reverse=reverse)

    def turn(self, view: View, table: Table) -> None:
        """Sort the other way round."""
        column, reverse = self.by(view, table)
        self._choose(view, column, reverse=not reverse)

    def click(self, view: View, table: Table, place: int) -> None:
        """Sort by this column; by the same again, the other way round."""
        column, reverse = self.by(view, table)
        self._choose(view, place, reverse=not reverse if place == column else True)

    def anew(self) -> None:
        """Arrange at the next drawing, however soon."""
        self._at_us = 0

    def rows(self, view: View, table: Table, passing: Iterable[Row], now_us: int) -> list[Row]:
        """The rows in their order; for a second in the one they had."""
        if now_us - self._at_us < ANEW_EVERY_US:
            places = {key: place for place, key in enumerate(self._order)}
            found = nested(sorted(passing, key=lambda row: places.get(row.key, -1)))
        else:
            column, reverse = self.by(view, table)
            found = arranged(passing, column, reverse=reverse)
            self._at_us = now_us
        self._order = [row.key for row in found]
        return found

    def _choose(self, view: View, place: int, *, reverse: bool) -> None:
        self._chosen[view] = (place, reverse)
        self.anew()


def arranged(rows: Iterable[Row], column: int, *, reverse: bool) -> list[Row]:
    """Rows sorted by one column; equal ones by key, so that none jumps."""
    named = sorted(rows, key=lambda row: row.key)
    return nested(sorted(named, key=lambda row: _key(row.order[column]), reverse=reverse))


def nested(rows: Sequence[Row]) -> list[Row]:
    """The same rows, each below the one it belongs to, and those that come first above all."""
    known = {row.key for row in rows}
    below: dict[str, list[Row]] = {}
    for row in rows:
        if row.under in known:
            below.setdefault(row.under, []).append(row)
    tops = [row for row in rows if row.under not in known]
    tops.sort(key=lambda row: not row.first)
    return [each for row in tops for each in (row, *below.get(row.key, ()))]


def _key(value: object) -> tuple[int, str]:
    return (value, "") if isinstance(value, int) else (0, str(value).lower())
