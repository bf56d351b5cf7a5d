"""`agentspend top`: every key and click, on the board that `board` draws."""

from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from agentspend.core.errors import AgentspendError
from agentspend.core.filters import Filter, parse_filter
from tui import team, views
from tui.actions import ACTIONS, deed_of
from tui.board import Board
from tui.columns import GAP, MARK_CELLS, widths
from tui.listing import kept
from tui.rows import Table, View
from tui.screens.text import Detail, Help
from tui.source import NotDone
from tui.widgets.rows import RowList


class TopApp(Board):
    """The screen. What a key does stands in `tui.actions`, what it changes in `tui.deeds`."""

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
        self.arrange_now()

    def action_next_view(self) -> None:
        """The next list."""
        every = list(View)
        self.action_view(every[(every.index(self.shown_view) + 1) % len(every)])

    def _table(self) -> Table:
        return views.table(self.shown_view, self.day, self.now)

    def action_sort(self) -> None:
        """Sort by the next column that is shown."""
        table = self._table()
        self.arrangement.next_column(
            self.shown_view, table, kept(table, self.least(), self.size.width)
        )
        self.draw()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self.arrangement.turn(self.shown_view, self._table())
        self.draw()

    @on(events.Click, "#head")
    def sort_by_head(self, event: events.Click) -> None:
        """A click on a column's name sorts by it; again, the other way round."""
        table = self._table()
        places = kept(table, self.least(), self.size.width)
        start = MARK_CELLS
        wide = widths([table.columns[place] for place in places], self.size.width)
        for place, width in zip(places, wide, strict=True):
            if start <= event.x < start + width + GAP:
                self.arrangement.click(self.shown_view, table, place)
                self.draw()
                return
            start += width + GAP

    def action_freeze(self) -> None:
        """Hold the screen still, or let it go on. Whether anything is enforced stays live."""
        if self.frozen is not None:
            self.frozen, self.frozen_us = None, 0
        else:
            self.frozen_us = self.source.now_us()
            self.frozen = self.day.still()
        self.arrange_now()

    def action_filter(self) -> None:
        """Ask for a filter in the last line."""
        self.prompt.ask(self.filter_text, "agent:codex >0.10 !refused", is_filter=True)
        self.query_one("#footer").add_class("-hidden")

    def _answered(self) -> None:
        self.prompt.shut()
        self.query_one("#footer").remove_class("-hidden")
        self.rows.focus()

    @on(Input.Changed, "#prompt")
    def filter_as_typed(self, event: Input.Changed) -> None:
        """A filter holds while it is typed, as far as it can be read."""
        if not self.prompt.is_filter:
            return
        try:
            self.filter = parse_filter(event.value)
        except AgentspendError:
            return
        self.arrange_now()

    @on(Input.Submitted, "#prompt")
    async def prompt_answered(self, event: Input.Submitted) -> None:
        """Take the filter, or the answer the deed under way asked for."""
        self._answered()
        if not self.prompt.is_filter:
            self.deeds.answered(event.value.strip())
            self.draw()
            return
        try:
            self.filter, self.filter_text = parse_filter(event.value), event.value.strip()
        except AgentspendError as error:
            self.filter, self.filter_text = Filter(), ""
            self.say("!", f"{error.message}; {error.hint}")
        self.arrange_now()

    def action_leave(self) -> None:
        """Close what is open: the prompt, the question, then the filter."""
        if self.prompt.is_open:
            self._answered()
        if self.deeds.leave():
            self.draw()
            return
        self.filter, self.filter_text = Filter(), ""
        self.arrange_now()

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
        if self.shown_view is View.TEAM:
            if told := team.facts(row, self.day, self.now.us):
                self.push_screen(Detail(row.question or row.fields["budget"], told))
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
        self.draw_footer()
        self.draw_dock(self.frozen or self.day, self.now)

    def action_help(self) -> None:
        """Every key."""
        named = {action.name: self.deeds.disabled(deed_of(action)) for action in ACTIONS}
        self.push_screen(Help(named, self.glyphs))

    def action_copy(self) -> None:
        """Copy the command that tells the same; while a question is open, answer yes."""
        if self.deeds.question:
            self.run_worker(self.deeds.agreed(), group="deed")
            return
        command = self.deeds.command(self.selected, self.shown_view)
        self.copy_to_clipboard(command)
        self.say("✓", f"copied: {command}")

    def action_copy_asked(self) -> None:
        """Copy the command that does what is asked, and leave the question open."""
        if command := self.deeds.asked_command:
            self.copy_to_clipboard(command)
            self.say("✓", f"copied: {command}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is asked for in the last line, keys are letters of the answer."""
        return super().check_action(action, parameters) and (
            not self.query("#prompt.-open") or action in ("leave", "quit")
        )

    async def on_key(self, event: events.Key) -> None:
        """`n` answers an open question with no; who types fast loses no letter of an answer."""
        if self.prompt.is_open:
            await self.prompt.typed_elsewhere(event)
        elif event.key == "c" and self.deeds.question:
            self.action_copy_asked()
        elif event.key == "n" and self.deeds.leave():
            event.stop()
            self.draw()

    def action_change(self, name: str) -> None:
        """Begin one of the changes of `deeds`."""
        self.deeds.begin(name)
        self.draw()

    def action_raise_named(self, budget: str) -> None:
        """Begin to raise this budget."""
        self.deeds.begin("raise_budget", budget)
        self.draw()

    def action_undo(self) -> None:
        """Take the last change back."""
        self.run_worker(self.deeds.undo(), group="deed")
