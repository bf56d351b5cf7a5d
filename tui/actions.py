"""Every key in one registry: what it does, where it stands in the footer and the help.

`change`: it changes something, so `--read-only` disables it, and it asks first.
"""

from dataclasses import dataclass

from tui.rows import View

SESSIONS = (View.AGENTS, View.REQUESTS, View.REFUSED)


@dataclass(frozen=True, slots=True)
class Action:
    """`keys` as Textual names them, the first as people read it; `name` is the app's action.

    The last line has `short` in the lists of `views`, in all where there are none; what is `last`
    stands at its right end always.
    """

    keys: tuple[str, ...]
    shown: str
    name: str
    help: str
    short: str = ""
    change: bool = False
    views: tuple[View, ...] = ()
    last: bool = False


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
    Action(("6",), "6", "view('Team')", "the team: caps, who spends there, who asks for more"),
    Action(("tab",), "Tab", "next_view", "next list"),
    Action(("slash",), "/", "filter", "filter: agent:codex >0.10 !refused", "/ filter"),
    Action(("s",), "s", "sort", "sort by the next column", "s sort"),
    Action(("S",), "S", "reverse", "sort the other way round"),
    Action(("A",), "A", "change('approve')", "a lead: approve the selected question", "A approve",
           change=True, views=(View.TEAM,)),
    Action(("D",), "D", "change('deny')", "a lead: deny the selected question", "D deny",
           change=True, views=(View.TEAM,)),
    Action(("a",), "a", "change('ask_raise')", "ask the team for a raise", "a ask for more",
           change=True, views=(View.TEAM,)),
    Action(("b",), "b", "change('raise_budget')", "raise a budget", "b raise", change=True),
    Action(("p",), "p", "change('pause')", "pause or resume a session", "p pause agent",
           change=True, views=SESSIONS),
    Action(("m",), "m", "change('cheaper')", "allow a session only cheaper models", "m models",
           change=True, views=SESSIONS),
    Action(("K",), "K", "change('stop_all')", "kill-switch: pause every session", "K stop all",
           change=True),
    Action(("u",), "u", "undo", "undo the last change", "u undo", change=True),
    Action(("y",), "y", "copy", "copy the command that does or tells the same", "y command"),
    Action(("space",), "space", "freeze", "freeze what is shown, go on", "space freeze"),
    Action(("escape",), "esc", "leave", "clear the filter, close what is open"),
    Action(("question_mark",), "?", "help", "this help", "? help", last=True),
    Action(("q", "ctrl+c"), "q", "quit", "quit", "q quit", last=True),
)  # fmt: skip


def deed_of(action: Action) -> str:
    """The change of `deeds` that a key begins, "" for one that only shows something."""
    return action.name.removeprefix("change('").removesuffix("')") if action.change else ""


def footer(view: View) -> list[Action]:
    """The actions the last line names in a list."""
    return [each for each in ACTIONS if each.short and (not each.views or view in each.views)]


def click_of(action: Action) -> str:
    """What a click on the action's words does, as Textual writes it."""
    return f"app.{action.name}" if "(" in action.name else f"app.{action.name}()"
