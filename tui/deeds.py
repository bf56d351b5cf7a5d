"""The change a person is about to make: what is asked, what is done, what can be taken back."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.errors import AgentspendError
from agentspend.core.money import usd_text
from tui import budgets, deed
from tui.day import Day
from tui.deed import Deed
from tui.now import Now
from tui.rows import Row, View
from tui.source import NotDone, Source
from tui.team import overview_of, pool_of, question_of, team_of, team_paying

NO_TEAM = "this device is in no team"
NO_OWN = "no hard budget of yours is set; a asks your team"
NO_SESSION = "select an agent first (1)"


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

    def ask_words(self, hint: str, value: str = "") -> None:
        """Ask for words in the last line, with `value` to begin with."""
        ...


class Deeds:
    """One change at a time. `question` is what a person is asked now, "" for nothing."""

    def __init__(self, desk: Desk, *, read_only: bool) -> None:
        self._desk = desk
        self._read_only = read_only
        self._asked: Callable[[str], Deed] | None = None
        self._pending: Deed | None = None
        self._back: tuple[Deed, int] | None = None
        self._done = ("", 0)

    @property
    def question(self) -> str:
        """What is asked now."""
        return self._pending.question if self._pending is not None else ""

    @property
    def asked_command(self) -> str:
        """The command that does what is asked now."""
        return self._pending.command if self._pending is not None else ""

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
            "raise_budget": lambda: "" if self._own() else NO_OWN,
            "pause": lambda: "" if self._session() else NO_SESSION,
            "stop_all": lambda: "",
            "cheaper": lambda: "" if self._session() else NO_SESSION,
            "ask_raise": lambda: "" if team_of(self._desk.day) else NO_TEAM,
            "approve": self._no_answer,
            "deny": self._no_answer,
            "undo": lambda: "" if self._still_back() else "nothing was changed in the last 10 s",
        }

    def begin(self, name: str, budget: str = "") -> None:
        """Begin a change: ask what is still to be known, or for a yes. `budget` is the one that
        was clicked on, "" for the tightest."""
        if budget.startswith(TEAM_PREFIX):
            name = "ask_raise"
        if why := self.disabled(name):
            self._desk.say("!", f"not now: {why}")
            return
        row = self._desk.selected
        if name == "raise_budget":
            self._ask_raise(budget)
        elif name == "stop_all":
            self._pending = deed.everyone(is_paused=self._is_paused(""))
        elif name == "pause" and row is not None:
            self._pending = deed.paused(row, is_paused=self._is_paused(row.session))
        elif name == "cheaper" and row is not None:
            self._ask(lambda words: deed.cheaper(row, words), "only models like: *haiku*")
        elif name == "ask_raise":
            self._ask_team(budget.removeprefix(TEAM_PREFIX))
        elif (asked := self._asked_of_us()) is not None:
            if name == "approve":
                amount = usd_text(asked["amount_nusd"])
                self._ask(lambda words: deed.approved(asked, words), "dollars: 20", amount)
            elif name == "deny":
                self._pending = deed.denied(asked)

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
        """The command that does what was done a moment ago, or tells what is selected."""
        if self._still_done():
            return self._done[0]
        if row is not None and row.rid:
            return f"agentspend why {row.rid}"
        if row is not None and view is View.AGENTS:
            return f"agentspend log --session {row.session}"
        if row is not None and row.question:
            return f"agentspend team approve {row.question}"
        return "agentspend team status" if view is View.TEAM else "agentspend status"

    async def _do(self, wanted: Deed) -> None:
        try:
            said = await self._desk.source.do(wanted.action, **wanted.fields)
        except NotDone as error:
            self._desk.say("✗", str(error))
            return
        self._done = (wanted.command, self._desk.now.us)
        if wanted.back is not None:
            self._back = (wanted.back, self._desk.now.us)
            said += "; u takes it back"
        self._desk.say("✓", f"{said}   ({wanted.command})")

    def _ask(self, then: Callable[[str], Deed], hint: str, value: str = "") -> None:
        self._asked = then
        self._desk.ask_words(hint, value)

    def _ask_raise(self, budget: str) -> None:
        """Ask by how much a budget of one's own is raised; another may be named."""
        own = {line.name: line for line in self._own()}
        name = budget if budget in own else next(iter(own))

        def raised(words: str) -> Deed:
            other, _, amount = words.rpartition(" ")
            if other and other not in own:
                raise AgentspendError(f"no budget {other!r} is yours", f"yours: {', '.join(own)}")
            return deed.raised(own[other or name], amount)

        more = "" if len(own) == 1 else "; another: NAME 5.00"
        self._ask(raised, f"raise {name} by dollars: 5.00{more}")

    def _ask_team(self, pool: str) -> None:
        """Ask for more of the pool that was clicked on or is selected, else of what the selected
        session's team has least of."""
        row, day = self._desk.selected, self._desk.day
        selected = row.fields.get("budget", "") if row is not None else ""
        pool = pool or (selected if pool_of(day, selected) is not None else "")
        team = team_paying(day, row.session) if row is not None else ""
        named = f" more of {pool}" if pool else f" for team {team}" if team else ""
        self._ask(lambda words: deed.requested(words, pool, team),
                  f"ask the team for dollars{named}, and why: 20 for the release")  # fmt: skip

    def _no_answer(self) -> str:
        """Why no question of the team's can be answered here and now; "" when one can."""
        team = team_of(self._desk.day)
        if not team:
            return NO_TEAM
        if (role := team.get("role", "member")) != "lead":
            return f"only a lead of the team answers, and you are a {role}"
        if team.get("failed"):
            return "the team server cannot be reached"
        if not overview_of(self._desk.day).get("questions"):
            return "nobody asks for more"
        return "" if self._asked_of_us() else "select a question first: 6, the rows with ?"

    def _asked_of_us(self) -> Mapping[str, Any] | None:
        """The selected question."""
        row = self._desk.selected
        return question_of(self._desk.day, row.question) if row is not None else None

    def _still_done(self) -> bool:
        return bool(self._done[0]) and self._desk.now.us - self._done[1] <= deed.UNDO_US

    def _still_back(self) -> bool:
        return self._back is not None and self._desk.now.us - self._back[1] <= deed.UNDO_US

    def _session(self) -> str:
        row = self._desk.selected
        return row.session if row is not None else ""

    def _own(self) -> list[budgets.Line]:
        """The hard budgets of one's own, the next one to refuse first; a session's last."""
        found = budgets.lines(self._desk.day, self._desk.now.us)
        own = [each for each in found if each.mode == "hard"
               and not each.name.startswith(TEAM_PREFIX)]  # fmt: skip
        return sorted(own, key=lambda each: bool(each.session))

    def _is_paused(self, session: str) -> bool:
        return session in self._desk.day.status.get("paused", {})
