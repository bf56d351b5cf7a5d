"""The change a person is about to make: what is asked, what is done, what can be taken back."""

from collections.abc import Callable, Mapping
from typing import Protocol

from agentspend.core.errors import AgentspendError
from tui import budgets, deed
from tui.day import Day
from tui.deed import Deed
from tui.now import Now
from tui.rows import Row, View
from tui.source import NotDone, Source

NO_TEAM = "this device is in no team"


class Desk(Protocol):
    """What a change needs of the screen."""

    day: Day
    source: Source

    @property
    def now(self) -> Now:
        """The moment that is drawn."""
        ...

    @property
    def selected(self) -> Row | None:
        """The selected row."""
        ...

    def say(self, mark: str, text: str) -> None:
        """A line in the events."""
        ...

    def ask_words(self, hint: str) -> None:
        """Ask for words in the last line."""
        ...


class Deeds:
    """One change at a time. `question` is what a person is asked now, "" for nothing."""

    def __init__(self, desk: Desk, *, read_only: bool) -> None:
        self._desk = desk
        self._read_only = read_only
        self._asked: Callable[[str], Deed] | None = None
        self._pending: Deed | None = None
        self._back: tuple[Deed, int] | None = None

    @property
    def question(self) -> str:
        """What is asked now."""
        return self._pending.question if self._pending is not None else ""

    def disabled(self, name: str) -> str:
        """Why an action cannot be used now; "" when it can, or changes nothing."""
        check = self._checks().get(name)
        if check is None:
            return ""
        if self._read_only:
            return "started with --read-only"
        if not self._desk.day.enforcing:
            return "no daemon runs"
        return check()

    def _checks(self) -> Mapping[str, Callable[[], str]]:
        return {
            "raise_budget": lambda: "" if self._tightest() else "no hard budget is set",
            "pause": lambda: "" if self._session() else "select an agent first",
            "stop_all": lambda: "",
            "cheaper": lambda: "" if self._session() else "select an agent first",
            "ask_raise": lambda: "" if self._desk.day.status.get("team") else NO_TEAM,
            "undo": lambda: "" if self._still_back() else "nothing was changed in the last 10 s",
        }

    def begin(self, name: str) -> None:
        """Begin a change: ask what is still to be known, or for a yes."""
        if why := self.disabled(name):
            self._desk.say("!", f"not now: {why}")
            return
        row, line = self._desk.selected, self._tightest()
        if name == "raise_budget" and line is not None:
            self._ask(lambda words: deed.raised(line, words), f"raise {line.name} by dollars: 5.00")
        elif name == "stop_all":
            self._pending = deed.everyone(is_paused=self._is_paused(""))
        elif name == "pause" and row is not None:
            self._pending = deed.paused(row, is_paused=self._is_paused(row.session))
        elif name == "cheaper" and row is not None:
            self._ask(lambda words: deed.cheaper(row, words), "only models like: *haiku*")
        elif name == "ask_raise":
            self._ask(deed.requested, "ask the team for dollars, and why: 20 for the release")

    def answered(self, words: str) -> None:
        """A person wrote what was asked for; nothing takes it back."""
        asked, self._asked = self._asked, None
        if asked is None or not words:
            return
        try:
            self._pending = asked(words)
        except AgentspendError as error:
            self._desk.say("!", f"{error.message}; {error.hint}")

    def leave(self) -> bool:
        """Drop what is under way; False when nothing was."""
        was = self._pending is not None or self._asked is not None
        self._pending = self._asked = None
        return was

    async def agreed(self) -> None:
        """A person said yes: have it done."""
        asked, self._pending = self._pending, None
        if asked is not None:
            await self._do(asked)

    async def undo(self) -> None:
        """Take the last change back."""
        if why := self.disabled("undo"):
            self._desk.say("!", f"not now: {why}")
            return
        assert self._back is not None
        back, self._back = self._back[0], None
        await self._do(back)

    def command(self, row: Row | None, view: View) -> str:
        """The command that tells what is selected."""
        if row is not None and row.rid:
            return f"agentspend why {row.rid}"
        if row is not None and view is View.AGENTS:
            return f"agentspend log --session {row.session}"
        return "agentspend status"

    async def _do(self, wanted: Deed) -> None:
        try:
            said = await self._desk.source.do(wanted.action, **wanted.fields)
        except NotDone as error:
            self._desk.say("✗", str(error))
            return
        if wanted.back is not None:
            self._back = (wanted.back, self._desk.now.us)
            said += "; u takes it back"
        self._desk.say("✓", f"{said}   ({wanted.command})")

    def _ask(self, then: Callable[[str], Deed], hint: str) -> None:
        self._asked = then
        self._desk.ask_words(hint)

    def _still_back(self) -> bool:
        return self._back is not None and self._desk.now.us - self._back[1] <= deed.UNDO_US

    def _session(self) -> str:
        row = self._desk.selected
        return row.session if row is not None else ""

    def _tightest(self) -> budgets.Line | None:
        return budgets.tightest(budgets.lines(self._desk.day, self._desk.now.us))

    def _is_paused(self, session: str) -> bool:
        return session in self._desk.day.status.get("paused", {})
