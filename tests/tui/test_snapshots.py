"""What the screen looks like: three sizes, eight states."""

from datetime import UTC
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.days import STATES
from tui.app import TopApp
from tui.rows import View
from tui.widgets.rows import RowList


async def _settled(pilot: Pilot[None]) -> None:
    """Until everything the recording holds is drawn, its first line selected.

    How much of it the very first picture shows, and selects in, is a matter of the machine.
    """
    await pilot.pause()
    app = pilot.app
    assert isinstance(app, TopApp)
    for shown in app.query(RowList):
        shown.selected = ""
    for _ in range(3):
        app.arrangement.anew()  # The recording's clock stands still.
        app.draw()
        await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (160, 45)], ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("state", STATES)
def test_the_screen_looks_as_it_did(snap_compare: Any, state: str, size: tuple[int, int]) -> None:
    """Any change of the screen is seen, and agreed to, by a person."""
    view = View.TEAM if state == "team" else View.AGENTS
    app = TopApp(STATES[state](), zone=UTC, view=view)
    assert snap_compare(app, terminal_size=size, run_before=_settled)


def test_ascii_says_the_same(snap_compare: Any) -> None:
    """A terminal without block characters loses nothing."""
    from tui.format import Glyphs

    app = TopApp(STATES["warning"](), zone=UTC, glyphs=Glyphs(ascii=True))
    assert snap_compare(app, terminal_size=(80, 24), run_before=_settled)


def test_no_color_says_the_same(snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each meaning has a glyph: without colours nothing is lost."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = TopApp(STATES["spent"](), zone=UTC)
    assert snap_compare(app, terminal_size=(80, 24), run_before=_settled)
