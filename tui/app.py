"""The screen people keep open: what is left, until when, who spends it.

A worker takes the source's messages into the `Day`; four times a second at most the day is drawn,
and only the lines that changed. Nothing moves under the cursor: the selection follows a row's
identity, and rows are arranged anew at most once a second.
"""

from datetime import tzinfo
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from agentspend.core.errors import AgentspendError
from agentspend.core.filters import Filter, parse_filter
from tui import lines, views
from tui.actions import ACTIONS, deed_of
from tui.arrangement import Arrangement
from tui.columns import GAP, MARK_CELLS, widths
from tui.day import Day
from tui.deeds import Deeds
from tui.format import Glyphs
from tui.headline import headline
from tui.inspector import facts
from tui.listing import kept, listing, newest
from tui.now import Now
from tui.rows import Row, Table, View
from tui.screens.text import Detail, Help
from tui.source import NotDone, Source
from tui.widgets.line import Line
from tui.widgets.rows import RowList

DRAWS_PER_S = 4
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


class TopApp(App[None]):
    """`agentspend top`. `source` is live, a file, or a replay."""

    CSS_PATH = "top.tcss"
    TITLE = "agentspend top"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = _WIDE
    VERTICAL_BREAKPOINTS = _TALL
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join(action.keys),
            action.name,
            action.help,
            show=False,
            priority="tab" in action.keys,
        )
        for action in ACTIONS
    ]

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
        self._glyphs = glyphs or Glyphs()
        self._arrangement = Arrangement()
        self._drawn = (-1, -1)
        self._frozen_us = 0
        self._frozen: Day | None = None
        self._asking_filter = False

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
        yield Input(id="prompt", compact=True)

    def on_mount(self) -> None:
        """Draw at once, then take what comes."""
        self.rows.focus()
        self.run_worker(self._follow(), exclusive=True, group="source")
        self.set_interval(1 / DRAWS_PER_S, self.draw_if_changed)
        self.draw()

    async def _follow(self) -> None:
        async for message in self.source.watch():
            self.day.take(message, message.get("at_us") or self.source.now_us())

    @property
    def rows(self) -> RowList:
        """The list."""
        return self.query_one("#rows", RowList)

    @property
    def now(self) -> Now:
        """The moment that is drawn."""
        at_us = self._frozen_us or self.source.now_us()
        return Now(at_us, self._zone, self._glyphs, self.source.name)

    @property
    def selected(self) -> Row | None:
        """The selected row."""
        return self.rows.row

    def draw_if_changed(self) -> None:
        """Draw when there is news, or a second has passed."""
        now = (self.day.version, self.now.us // 1_000_000)
        if now != self._drawn:
            self.draw()

    def draw(self) -> None:
        """Draw what is known now."""
        if not self.query(RowList):
            return
        now = self.now
        self._drawn = (self.day.version, now.us // 1_000_000)
        day, cells = self._frozen or self.day, self.size.width
        top = headline(day, now, cells)
        # Whether anything is enforced is never frozen.
        state = headline(self.day, now, cells)
        self._line("state", lines.plain(state.state, now), state.state_meaning)
        self._line("money", lines.plain(top.money, now), top.money_meaning)
        self._line("pace", lines.plain(top.pace, now), top.pace_meaning)
        self._line("rule-budgets", lines.rule("Budgets", now, cells))
        self._line("budgets", lines.budget_lines(day, now, cells))
        self._line("windows", lines.window_lines(day, now))
        self._draw_rows(day, now)
        self._draw_dock(day, now)
        self._line("rule-events", lines.rule("Events", now, cells))
        self._line("events", lines.events(day, now))
        self._draw_footer()

    def _line(self, name: str, text: Text, meaning: str = "") -> None:
        self.query_one(f"#{name}", Line).show(text, meaning)

    def _draw_rows(self, day: Day, now: Now) -> None:
        cells, view = self.size.width, self.shown_view
        found = listing(view, day, now, self.filter, self._arrangement, self._least(), cells)
        told = lines.told(len(found.rows), found.known, self.day, self._frozen)
        self._line("tabs", lines.tabs(view, told, now, cells))
        self._line("head", lines.plain(found.head, now))
        empty = NOTHING_PASSES if found.known else EMPTY.get(view, "Nothing yet.")
        self.rows.show(found.columns, found.rows, self._glyphs, empty)

    def _draw_dock(self, day: Day, now: Now) -> None:
        """The live requests and the selected session, where there is room."""
        dock, live = self.query_one("#dock"), self.query_one("#live", RowList)
        if not dock.display:
            return
        found = newest(day, now, dock.size.height, live.size.width)
        self._line("live-head", lines.plain(found.head, now))
        live.show(found.columns, found.rows, self._glyphs, "")
        self._line("inspector", lines.facts(facts(self.selected, day, now), now))

    def _draw_footer(self) -> None:
        now, cells = self.now, self.size.width
        if question := self.deeds.question:
            self._line("footer", lines.plain(f" {question}   y yes  n no", now), "near")
        elif self.filter_text:
            self._line("footer", lines.plain(f" / {self.filter_text}   esc clears", now))
        else:
            self._line("footer", lines.keys(self.deeds.disabled, now, cells))

    def _least(self) -> int:
        """The width class: which columns there is room for."""
        return max((level for cells, _, level in _CLASSES if self.size.width >= cells), default=0)

    def _arrange_now(self) -> None:
        self._arrangement.anew()
        self.draw()

    def action_move(self, by: int) -> None:
        """Select another row."""
        self.rows.move(by)

    def action_page(self, by: int) -> None:
        """A page further."""
        rows = self.rows
        rows.move(by * max(1, rows.size.height - 1))

    def action_ends(self, last: int) -> None:
        """The first or the last row."""
        rows = self.rows
        rows.select_place(rows.last_place() if last else 0)

    def action_view(self, name: str) -> None:
        """Another list."""
        self.shown_view = View(name)
        self.rows.scroll_to(y=0, animate=False)
        self._arrange_now()

    def action_next_view(self) -> None:
        """The next list."""
        every = list(View)
        self.action_view(every[(every.index(self.shown_view) + 1) % len(every)])

    def _table(self) -> Table:
        return views.table(self.shown_view, self.day, self.now)

    def action_sort(self) -> None:
        """Sort by the next column that is shown."""
        table = self._table()
        self._arrangement.next_column(self.shown_view, table, kept(table, self._least()))
        self.draw()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._arrangement.turn(self.shown_view, self._table())
        self.draw()

    @on(events.Click, "#head")
    def sort_by_head(self, event: events.Click) -> None:
        """A click on a column's name sorts by it; again, the other way round."""
        table = self._table()
        places = kept(table, self._least())
        start = MARK_CELLS
        wide = widths([table.columns[place] for place in places], self.size.width)
        for place, width in zip(places, wide, strict=True):
            if start <= event.x < start + width + GAP:
                self._arrangement.click(self.shown_view, table, place)
                self.draw()
                return
            start += width + GAP

    def action_freeze(self) -> None:
        """Hold the screen still, or let it go on. Whether anything is enforced stays live."""
        if self._frozen is not None:
            self._frozen, self._frozen_us = None, 0
        else:
            self._frozen_us = self.source.now_us()
            self._frozen = self.day.still()
        self._arrange_now()

    def action_filter(self) -> None:
        """Ask for a filter in the last line."""
        self._ask(self.filter_text, "agent:codex >0.10 !refused", is_filter=True)

    def ask_words(self, hint: str) -> None:
        """Ask for words in the last line, for the deed under way."""
        self._ask("", hint, is_filter=False)

    def _ask(self, value: str, hint: str, *, is_filter: bool) -> None:
        self._asking_filter = is_filter
        prompt = self.query_one("#prompt", Input)
        prompt.value, prompt.placeholder = value, hint
        prompt.add_class("-open")
        self.query_one("#footer").add_class("-hidden")
        prompt.focus()

    def _answered(self) -> None:
        self.query_one("#prompt").remove_class("-open")
        self.query_one("#footer").remove_class("-hidden")
        self.rows.focus()

    @on(Input.Changed, "#prompt")
    def filter_as_typed(self, event: Input.Changed) -> None:
        """A filter holds while it is typed, as far as it can be read."""
        if not self._asking_filter:
            return
        try:
            self.filter = parse_filter(event.value)
        except AgentspendError:
            return
        self._arrange_now()

    @on(Input.Submitted, "#prompt")
    async def prompt_answered(self, event: Input.Submitted) -> None:
        """Take the filter, or the answer the deed under way asked for."""
        self._answered()
        if not self._asking_filter:
            self.deeds.answered(event.value.strip())
            self.draw()
            return
        try:
            self.filter, self.filter_text = parse_filter(event.value), event.value.strip()
        except AgentspendError as error:
            self.filter, self.filter_text = Filter(), ""
            self.say("!", f"{error.message}; {error.hint}")
        self._arrange_now()

    def action_leave(self) -> None:
        """Close what is open: the prompt, the question, then the filter."""
        if self.query_one("#prompt").has_class("-open"):
            self._answered()
        if self.deeds.leave():
            self.draw()
            return
        self.filter, self.filter_text = Filter(), ""
        self._arrange_now()

    async def action_open(self) -> None:
        """The story of a request; of an agent, its requests."""
        row = self.selected
        if row is None:
            return
        if row.rid:
            try:
                self.push_screen(Detail(row.rid, await self.source.why(row.rid)))
            except NotDone as error:
                self.say("!", str(error))
            return
        key = {View.AGENTS: "session", View.MODELS: "model", View.PROJECTS: "project"}.get(
            self.shown_view
        )
        if key is not None:
            self.filter_text = f"{key}:{row.key}"
            self.filter = parse_filter(self.filter_text)
            self.action_view(View.REQUESTS)

    @on(RowList.Opened)
    async def row_opened(self) -> None:
        """A second click opens, as enter does."""
        await self.action_open()

    @on(RowList.Moved)
    def row_moved(self) -> None:
        """What can be done, and what is told of it, depends on the row."""
        self._draw_footer()
        self._draw_dock(self._frozen or self.day, self.now)

    def action_help(self) -> None:
        """Every key."""
        named = {action.name: self.deeds.disabled(deed_of(action)) for action in ACTIONS}
        self.push_screen(Help(named))

    def action_copy(self) -> None:
        """Copy the command that tells the same; while a question is open, answer yes."""
        if self.deeds.question:
            self.run_worker(self.deeds.agreed(), group="deed")
            return
        command = self.deeds.command(self.selected, self.shown_view)
        self.copy_to_clipboard(command)
        self.say("✓", f"copied: {command}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is asked for in the last line, keys are letters of the answer."""
        return super().check_action(action, parameters) and (
            not self._is_asking or action in ("leave", "quit")
        )

    @property
    def _is_asking(self) -> bool:
        return bool(self.query("#prompt.-open"))

    async def on_key(self, event: events.Key) -> None:
        """`n` answers an open question with no; who types fast loses no letter of an answer."""
        if self._is_asking:
            prompt = self.query_one("#prompt", Input)
            if not prompt.has_focus and event.key == "enter":
                await prompt.action_submit()
            elif not prompt.has_focus and event.character and event.is_printable:
                prompt.insert_text_at_cursor(event.character)
        elif event.key == "n" and self.deeds.leave():
            event.stop()
            self.draw()

    def action_change(self, name: str) -> None:
        """Begin one of the changes of `deeds`."""
        self.deeds.begin(name)
        self.draw()

    def action_undo(self) -> None:
        """Take the last change back."""
        self.run_worker(self.deeds.undo(), group="deed")

    def say(self, mark: str, text: str) -> None:
        """A line in the events, drawn at once."""
        self.day.note(self.source.now_us(), mark, text)
        self.draw()
