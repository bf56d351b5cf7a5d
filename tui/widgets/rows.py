"""The list of a view: one line a row, a selection that follows a row's identity.

Draws only the lines whose words changed, so that a busy day does not flicker over ssh.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.columns import MARK_CELLS, line_of, widths
from tui.format import Glyphs, fit
from tui.listing import Listing
from tui.rows import Column, Mark, Row


class RowList(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows under a head. `selected` is the key of the selected one ("" for none).

    The keys are the app's: a scrolling widget's own would scroll where they should select.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rowlist--selected", "rowlist--near", "rowlist--refused",
    }  # fmt: skip

    class Opened(Message):
        """A row was opened, by key or by a second click."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Moved(Message):
        """Another row is selected."""

    def __init__(self, *, id: str, follows: bool = True) -> None:  # noqa: A002 - Textual's own name
        """`follows` False: nothing is ever selected, the list is only looked at."""
        super().__init__(id=id)
        self.can_focus = self._follows = follows
        self._columns: Sequence[Column] = ()
        self._cells_of: Sequence[int] = ()
        self._rows: Sequence[Row] = ()
        self._places: dict[str, int] = {}
        self._glyphs = Glyphs()
        self._empty = ""
        self.selected = ""

    @property
    def row(self) -> Row | None:
        """The selected row."""
        place = self._places.get(self.selected)
        return self._rows[place] if place is not None else None

    def show(self, found: Listing, glyphs: Glyphs, empty: str) -> None:
        """Show these rows in this order; `empty` is said when there are none."""
        before = {y: self._words(y) for y in self._visible()}
        self._columns, self._rows, self._cells_of = found.columns, found.rows, found.places
        self._glyphs, self._empty, rows = glyphs, empty, found.rows
        self._places = {row.key: place for place, row in enumerate(rows)}
        if self.selected not in self._places:
            self.selected = rows[0].key if rows and self._follows else ""
        size = Size(self.size.width, max(1, len(rows)))
        if size != self.virtual_size:
            self.virtual_size = size
        for y in self._visible():
            if before.get(y) != self._words(y):
                self.refresh_line(y)

    def move(self, by: int) -> None:
        """Select the row so many places further."""
        place = self._places.get(self.selected, 0) + by
        self.select_place(place)

    def select_place(self, place: int) -> None:
        """Select the row at a place, the nearest one where there is none."""
        if not self._rows:
            return
        place = min(max(0, place), len(self._rows) - 1)
        before = self._places.get(self.selected)
        self.selected = self._rows[place].key
        self._follow(place)
        for each in {before, place} - {None}:
            self.refresh_line(int(str(each)) - self.scroll_offset.y)
        self.post_message(self.Moved())

    def last_place(self) -> int:
        """The place of the last row."""
        return len(self._rows) - 1

    def _follow(self, place: int) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if place < top:
            self.scroll_to(y=place, animate=False)
        elif place >= top + height:
            self.scroll_to(y=place - height + 1, animate=False)

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one opens."""
        if not self._follows:
            return
        place = event.y + self.scroll_offset.y
        if place < len(self._rows):
            self.select_place(place)
            if event.chain == 2:
                self.post_message(self.Opened(self.selected))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        words, style = self._words(y + 0), self._style(y + self.scroll_offset.y)
        return Strip([Segment(words, style)]).adjust_cell_length(self.size.width, style)

    def _visible(self) -> range:
        return range(max(0, self.size.height))

    def _words(self, y: int) -> str:
        place = y + self.scroll_offset.y
        if place >= len(self._rows):
            return f"   {self._empty}" if not self._rows and y == 1 else ""
        row = self._rows[place]
        wide = widths(self._columns, self.size.width)
        selected = "▸" if row.key == self.selected else " "
        cells = [row.cells[place] for place in self._cells_of]
        words = row.text and fit(row.text, max(0, self.size.width - MARK_CELLS - 1))
        told = words or line_of(cells, self._columns, wide)
        return self._glyphs(f"{selected}{row.mark or ' '} {told}")

    def _style(self, place: int) -> Style:
        if place >= len(self._rows):
            return self.rich_style
        row = self._rows[place]
        names = {Mark.NEAR: "near", Mark.ASKS: "near", Mark.REFUSED: "refused"}
        name = names.get(row.mark, "")
        style = self.rich_style
        if name:
            style += self.get_component_rich_style(f"rowlist--{name}", partial=True)
        if row.key == self.selected and self.has_focus:
            style += self.get_component_rich_style("rowlist--selected", partial=True)
        return style

    def on_resize(self) -> None:
        """Another width moves every column."""
        self.refresh()
