"""What is drawn: the lines from top to bottom, from the day as it is known now.

A worker takes the source's messages into the `Day`; four times a second at most the day is drawn,
and only the lines that changed. Nothing moves under the cursor: the selection follows a row's
identity, and rows are arranged anew at most once a second.
"""

from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from time import perf_counter

from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.filter import LineFilter, NoColor

from agentspend.core.errors import AgentspendError
from agentspend.core.filters import parse_filter
from tui import lines
from tui.arrangement import Arrangement
from tui.day import Day
from tui.deeds import Deeds
from tui.format import Glyphs
from tui.headline import headline
from tui.inspector import facts
from tui.listing import listing, newest
from tui.now import Now
from tui.rows import Row, View
from tui.source import Source
from tui.widgets.line import Line
from tui.widgets.prompt import Prompt
from tui.widgets.rows import RowList

DRAWS_PER_S = 4
RESTS = 3
"""After a drawing that took so long, rest for so many times as long."""
EMPTY = {
    View.AGENTS: "No requests yet. Start one:  agentspend run claude",
    View.REQUESTS: "No requests yet. Start one:  agentspend run claude",
    View.REFUSED: "Nothing was refused today.",
    View.TEAM: "This device is in no team:  agentspend team join URL CODE",
}
NOTHING_PASSES = "Nothing passes the filter; esc clears it."
_CLASSES = ((60, "-normal", 1), (120, "-wide", 2), (150, "-full", 3))
_WIDE: list[tuple[int, str]] | None = [(0, "-narrow"), *((at, name) for at, name, _ in _CLASSES)]
_TALL: list[tuple[int, str]] | None = [(0, "-short"), (20, "-tall"), (36, "-roomy")]


class Board(App[AgentspendError]):
    """The screen without its keys. `source` is live, a file, or a replay."""

    CSS_PATH = Path(__file__).with_name("top.tcss")
    TITLE = "agentspend top"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = _WIDE
    VERTICAL_BREAKPOINTS = _TALL

    def __init__(
        self,
        source: Source,
        *,
        zone: tzinfo,
        read_only: bool = False,
        glyphs: Glyphs | None = None,
        view: View = View.AGENTS,
        filter_text: str = "",
    ) -> None:
        super().__init__()
        self.source = source
        self.day = Day()
        self.shown_view = view
        self.filter = parse_filter(filter_text)
        self.filter_text = filter_text
        self.deeds = Deeds(self, read_only=read_only)
        self._zone = zone
        self.glyphs = glyphs or Glyphs()
        self.arrangement = Arrangement()
        self._drawn = (-1, -1)
        self._rests_until_s = 0.0
        self.frozen_us = 0
        self.frozen: Day | None = None

    def get_line_filters(self) -> Sequence[LineFilter]:
        """With NO_COLOR no colours at all, not even greys: each meaning has a glyph of its own."""
        return [NoColor()] if self.no_color else super().get_line_filters()

    def compose(self) -> ComposeResult:
        """The lines from top to bottom."""
        for name in ("state", "money", "pace", "rule-budgets", "budgets", "windows", "tabs",
                     "head"):  # fmt: skip
            yield Line(id=name)
        yield RowList(id="rows")
        with Horizontal(id="dock"):
            with Vertical(id="live-box"):
                yield Line(id="live-head")
                yield RowList(id="live", follows=False)
            yield Line(id="inspector")
        for name in ("rule-events", "events", "footer"):
            yield Line(id=name)
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        """Draw at once, then take what comes."""
        self.rows.focus()
        self.run_worker(self._follow(), exclusive=True, group="source")
        self.set_interval(1 / DRAWS_PER_S, self.draw_if_changed)
        self.draw()

    def on_resize(self) -> None:
        """Widths that depend on the layout are known once it is done."""
        self.call_after_refresh(self.draw)

    async def _follow(self) -> None:
        try:
            async for message in self.source.watch():
                self.day.take(message, message.get("at_us") or self.source.now_us())
        except AgentspendError as error:
            self.exit(error)

    @property
    def rows(self) -> RowList:
        """The list."""
        return self.query_one("#rows", RowList)

    @property
    def prompt(self) -> Prompt:
        """The last line, while it takes words."""
        return self.query_one("#prompt", Prompt)

    @property
    def now(self) -> Now:
        """The moment that is drawn."""
        at_us = self.frozen_us or self.source.now_us()
        return Now(at_us, self._zone, self.glyphs, self.source.name)

    @property
    def selected(self) -> Row | None:
        """The selected row."""
        return self.rows.row

    def draw_if_changed(self) -> None:
        """Draw when there is news, or a second has passed; three quarters of the time are left to
        keys, however long a drawing takes."""
        now = (self.day.version, self.now.us // 1_000_000)
        began_s = perf_counter()
        if now != self._drawn and began_s >= self._rests_until_s:
            self.draw()
            ended_s = perf_counter()
            self._rests_until_s = ended_s + RESTS * (ended_s - began_s)

    def draw(self) -> None:
        """Draw what is known now."""
        if not self.query(RowList):
            return
        now = self.now
        self._drawn = (self.day.version, now.us // 1_000_000)
        day, cells = self.frozen or self.day, self.size.width
        top = headline(day, now, cells)
        # Whether anything is enforced is never frozen.
        state = top if day is self.day else headline(self.day, now, cells)
        self._line("state", lines.plain(state.state, now), state.state_meaning)
        self._line("money", lines.plain(top.money, now), top.money_meaning)
        self._line("pace", lines.plain(top.pace, now), top.pace_meaning)
        self._line("rule-budgets", lines.budget_rule(now, cells))
        self._line("budgets", lines.budget_lines(day, now, cells))
        self._line("windows", lines.window_lines(day, now))
        self._draw_rows(day, now)
        self.draw_dock(day, now)
        self._line("rule-events", lines.rule("Events", now, cells))
        self._line("events", lines.events(day, now, cells))
        self.draw_footer()

    def _line(self, name: str, text: Text, meaning: str = "") -> None:
        self.query_one(f"#{name}", Line).show(text, meaning)

    def _draw_rows(self, day: Day, now: Now) -> None:
        cells, view = self.size.width, self.shown_view
        found = listing(view, day, now, self.filter, self.arrangement, self.least(), cells)
        told = lines.told(len(found.rows), found.known, self.day, self.frozen)
        self._line("tabs", lines.tabs(view, told, now, cells))
        self._line("head", lines.plain(found.head, now))
        empty = NOTHING_PASSES if found.known else self._empty(view)
        self.rows.show(found, self.glyphs, empty)

    def _empty(self, view: View) -> str:
        """What a list says that has nothing to show."""
        if view is View.TEAM and self.day.status.get("team"):
            return "The team has no cap that concerns this device."
        return EMPTY.get(view, "Nothing yet.")

    def draw_dock(self, day: Day, now: Now) -> None:
        """The live requests and the selected session, where there is room."""
        dock, live = self.query_one("#dock"), self.query_one("#live", RowList)
        if not dock.display:
            return
        found = newest(day, now, dock.size.height, live.size.width)
        self._line("live-head", lines.plain(found.head, now))
        live.show(found, self.glyphs, "")
        self._line("inspector", lines.facts(facts(self.selected, day, now), now))

    def draw_footer(self) -> None:
        """The question, the filter, or the keys that matter here."""
        now, cells = self.now, self.size.width
        if question := self.deeds.question:
            self._line("footer", lines.question(question, self.deeds.asked_command, now, cells),
                       "near")  # fmt: skip
        elif self.filter_text:
            self._line("footer", lines.filtered(self.filter_text, now, cells))
        else:
            view = self.shown_view
            self._line("footer", lines.keys(view, self.deeds.disabled, now, cells))

    def say(self, mark: str, text: str) -> None:
        """A line in the events, drawn at once."""
        self.day.note(self.source.now_us(), mark, text)
        self.draw()

    def ask_words(self, hint: str, value: str = "") -> None:
        """Ask for words in the last line, for the deed under way."""
        self.prompt.ask(value, hint)
        self.query_one("#footer").add_class("-hidden")

    def least(self) -> int:
        """The width class: which columns there is room for."""
        return max((level for cells, _, level in _CLASSES if self.size.width >= cells), default=0)

    def arrange_now(self) -> None:
        """Draw with every row in its order, however soon after the last time."""
        self.arrangement.anew()
        self.draw()
