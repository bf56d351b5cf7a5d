"""A box of text over the screen: one request's story, or the help."""

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from agentspend.core.printable import clean
from tui.actions import ACTIONS, Action
from tui.format import Glyphs

Steps = Sequence[tuple[str, str]]
CLOSES = "esc, or a click beside, closes"


def clickable(words: str, does: str) -> Text:
    """Words that a click does something with."""
    text = Text(words)
    text.apply_meta({"@click": does}, 0)
    return text


def columns(steps: Sequence[tuple[str, str | Text]]) -> Table:
    """Names on the left, words on the right."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, words in steps:
        table.add_row(name, words)
    return table


class TextBox(ModalScreen[None]):
    """Closed by any of esc, enter, q."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss", "close"), ("enter", "dismiss", "close"), ("q", "dismiss", "close"),
        ("question_mark", "dismiss", "close"),
    ]  # fmt: skip

    def __init__(self, title: str, steps: Steps) -> None:
        super().__init__()
        self._title = title
        self._steps = [(clean(name), clean(words)) for name, words in steps]

    def compose(self) -> ComposeResult:
        """The box."""
        with VerticalScroll(id="box") as box:
            box.border_title = self._title
            box.border_subtitle = CLOSES
            yield Static(self._table(), markup=False)

    def _table(self) -> Table:
        """The steps."""
        return columns(self._steps)

    def on_click(self, event: events.Click) -> None:
        """A click beside the box closes it."""
        if event.widget is self:
            self.dismiss()


class Detail(TextBox):
    """One request's story."""


class Help(TextBox):
    """Every key, and how the screen is read. A click on a key's words does what the key does."""

    def __init__(self, disabled: dict[str, str], glyphs: Glyphs) -> None:
        """`disabled`: why an action cannot be used now, by its name."""
        steps = [(action.shown, _words(action, disabled)) for action in ACTIONS]
        steps += [
            ("", ""),
            ("█ ▒ ░", "spent, held by requests in flight, free"),
            ("▸", "the selected row"),
            ("◐ ! ✗ ?", "at work, above 90 %, spent or refused, asks for more"),
            ("LISTED", "a subscription's use at list price: no dollars of yours"),
            ("LATELY", "all a member of the team spent since the last full hour began"),
            ("COMMITTED", "spent by the team, or granted to its devices and not spent yet"),
        ]
        super().__init__("keys", [(glyphs(name), glyphs(words)) for name, words in steps])

    def _table(self) -> Table:
        keys = [
            (name, clickable(words, f"screen.run({number})"))
            for number, (name, words) in enumerate(self._steps[: len(ACTIONS)])
        ]
        return columns([*keys, *self._steps[len(ACTIONS) :]])

    def action_run(self, number: int) -> None:
        """Do what the key does, on the board."""
        self.dismiss()
        self.app.call_later(self.app.run_action, ACTIONS[number].name)


def _words(action: Action, disabled: dict[str, str]) -> str:
    why = disabled.get(action.name, "")
    return f"{action.help}  (not now: {why})" if why else action.help
