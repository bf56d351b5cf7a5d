"""A list in the room there is."""

from datetime import UTC

import pytest

from tests.tui.days import RECORDED
from tui.columns import needed
from tui.day import Day
from tui.format import Glyphs
from tui.listing import kept
from tui.now import Now
from tui.rows import View
from tui.views import table


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize(("cells", "least"), [(60, 1), (70, 1), (119, 1), (120, 2), (150, 3)])
def test_no_column_is_cut_off(view: View, cells: int, least: int) -> None:
    """The one that says what was spent always stands; what is missed least goes first."""
    day, now = Day(), Now(RECORDED[-1]["at_us"], UTC, Glyphs())
    for message in RECORDED:
        day.take(message, message["at_us"])
    found = table(view, day, now)
    places = kept(found, least, cells)
    columns = [found.columns[place] for place in places]
    assert needed(columns) <= cells
    must = [place for place, each in enumerate(found.columns) if not each.least]
    assert set(must) <= set(places)
