"""A box of text over the screen: one request's story, or the help."""

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.actions import ACTIONS

Steps = Sequence[tuple[str, str]]


def columns(steps: Steps) -> Table:
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
        self._steps = steps

    def compose(self) -> ComposeResult:
        """The box."""
        with VerticalScroll(id="box") as box:
            box.border_title = self._title
            box.border_subtitle = "esc closes"
            yield Static(columns(self._steps), markup=False)


class Detail(TextBox):
    """One request's story."""


class Help(TextBox):
    """Every key, and how the screen is read."""

    def __init__(self, disabled: dict[str, str]) -> None:
        """`disabled`: why an action cannot be used now, by its name."""
        steps = [
            (action.shown, action.help + (f"  (not now: {why})" if (why := disabled.get(
                action.name, "")) else ""))
            for action in ACTIONS
        ]  # fmt: skip
        steps += [
            ("", ""),
            ("█ ▒ ░", "spent, held by requests in flight, free"),
            ("▸ ! ✗", "at work, above 90 %, spent or refused"),
            ("LISTED", "a subscription's use at list price: no dollars of yours"),
        ]
        super().__init__("keys", steps)
