"""Every key in one registry: what it does, where it stands in the footer and the help.

`change`: it changes something, so `--read-only` disables it, and it asks first.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """`keys` as Textual names them, the first as people read it; `name` is the app's action."""

    keys: tuple[str, ...]
    shown: str
    name: str
    help: str
    short: str = ""
    change: bool = False


ACTIONS = (
    Action(("down", "j"), "↓ j", "move(1)", "next row", "↑↓ select"),
    Action(("up", "k"), "↑ k", "move(-1)", "previous row"),
    Action(("pagedown",), "PgDn", "page(1)", "a page down"),
    Action(("pageup",), "PgUp", "page(-1)", "a page up"),
    Action(("g", "home"), "g", "ends(0)", "first row"),
    Action(("G", "end"), "G", "ends(1)", "last row"),
    Action(("enter",), "⏎", "open", "the story of a request, the requests of an agent",
           "⏎ detail"),
    Action(("1",), "1", "view('Agents')", "agents: who spends"),
    Action(("2",), "2", "view('Requests')", "requests, live"),
    Action(("3",), "3", "view('Models')", "models"),
    Action(("4",), "4", "view('Projects')", "projects"),
    Action(("5",), "5", "view('Refused')", "refused requests"),
    Action(("6",), "6", "view('Team')", "the team's pools"),
    Action(("tab",), "Tab", "next_view", "next list"),
    Action(("slash",), "/", "filter", "filter: agent:codex >0.10 !refused", "/ filter"),
    Action(("s",), "s", "sort", "sort by the next column", "s sort"),
    Action(("S",), "S", "reverse", "sort the other way round"),
    Action(("space",), "space", "freeze", "freeze what is shown, go on", "space freeze"),
    Action(("y",), "y", "copy", "copy the command that tells the same", "y copy command"),
    Action(("b",), "b", "change('raise_budget')", "raise a budget", "b budget", change=True),
    Action(("p",), "p", "change('pause')", "pause or resume a session", "p pause", change=True),
    Action(("K",), "K", "change('stop_all')", "kill-switch: pause every session", "K stop all",
           change=True),
    Action(("m",), "m", "change('cheaper')", "allow a session only cheaper models", "m models",
           change=True),
    Action(("a",), "a", "change('ask_raise')", "ask the team for a raise", "", change=True),
    Action(("u",), "u", "undo", "undo the last change", "", change=True),
    Action(("escape",), "esc", "leave", "clear the filter, close what is open"),
    Action(("question_mark",), "?", "help", "this help", "? help"),
    Action(("q", "ctrl+c"), "q", "quit", "quit", "q quit"),
)  # fmt: skip


def deed_of(action: Action) -> str:
    """The change of `deeds` that a key begins, "" for one that only shows something."""
    return action.name.removeprefix("change('").removesuffix("')") if action.change else ""


def footer() -> list[Action]:
    """The actions the last line names."""
    return [action for action in ACTIONS if action.short]
