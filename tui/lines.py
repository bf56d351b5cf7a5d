"""The screen's single lines as styled text: budgets, tabs, events, keys. Pure.

Colour has four meanings, and each has a glyph as well. A word that can be clicked carries the
action it stands for.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.text import Text

from tui import budgets
from tui.actions import Action, click_of, deed_of, footer
from tui.day import Day
from tui.format import left
from tui.now import Now
from tui.rows import View

MAX_EVENTS = 2
FROZEN = "⏸ frozen"
ANSWERS = (("y yes", "copy"), ("n no", "leave"), ("c copy command", "copy_asked"))
NEEDED_ANSWERS = 2
"""What a question can be answered with, and how much of that is shown however little room there
is."""
NAME_LETTERS = (max(map(len, View)), 4, 0)
"""How much of the lists' names there may be room for."""
TOLD_EDGES = len("  ") + len(" ──")
"""What stands around the last words of the lists' line."""
STYLE_OF_MARK = {"✗": "bold red", "!": "bold yellow"}


def plain(words: str, now: Now) -> Text:
    """One line without style."""
    return Text(now.glyphs(words), no_wrap=True, end="")


def rule(name: str, now: Now, cells: int, heads: str = "") -> Text:
    """A line across the screen with a name in it, and what the columns below its end say."""
    begin, end = f"── {name} ", f" {heads}" if heads else ""
    return plain(begin + "─" * max(0, cells - len(begin) - len(end)) + end, now)


def budget_rule(now: Now, cells: int) -> Text:
    """The line above the budgets."""
    return rule("Budgets", now, cells, budgets.heads(cells))


def budget_lines(day: Day, now: Now, cells: int) -> Text:
    """Every budget, the next one to refuse first. A click on one begins to raise it."""
    whole = Text(no_wrap=True, end="")
    for number, line in enumerate(budgets.lines(day, now.us)):
        whole.append("\n" if number else "")
        start = len(whole)
        words = now.glyphs(budgets.text(line, cells, now.us))
        whole.append(words, style=STYLE_OF_MARK.get(line.mark, ""))
        whole.apply_meta({"@click": f"app.raise_named({line.name!r})"}, start)
    return whole


def window_lines(day: Day, now: Now) -> Text:
    """A subscription's own windows, where the provider tells them."""
    whole = Text(no_wrap=True, end="")
    for number, window in enumerate(day.status.get("windows", ())):
        whole.append(("\n" if number else "") + now.glyphs(_window(window, now)))
    return whole


def _window(window: Mapping[str, Any], now: Now) -> str:
    resets_at, used = window.get("resets_at"), window["used_percent"]
    until = ""
    if resets_at:
        resets_s = int(datetime.fromisoformat(resets_at).timestamp())
        until = f", resets in {left(resets_s - now.us // 1_000_000)}"
    told = f"{used} % used" if used is not None else window["status"]
    return f"   {window['provider']} {window['called']}: {told}{until}"


def tabs(shown: View, told: Sequence[str], now: Now, cells: int) -> Text:
    """The lists one can look at, and how much of this one is shown: in the longest of the words of
    `told` that fit, the shortest of them at the cost of the names."""
    for letters in NAME_LETTERS[cells < 60 :]:
        whole = _names(shown, cells, letters)
        if len(whole) + cell_len(told[-1]) + TOLD_EDGES <= cells:
            break
    room = cells - len(whole) - TOLD_EDGES
    words = next((each for each in told if cell_len(each) <= room), "")
    whole.append(" " + "─" * (room - cell_len(words) + (0 if words else 2)))
    start = len(whole)
    whole.append(f" {words} " if words else "")
    if words.startswith(FROZEN):
        whole.apply_meta({"@click": "app.freeze()"}, start)
    whole.append("──")
    whole.plain = now.glyphs(whole.plain)
    return whole


def _names(shown: View, cells: int, letters: int) -> Text:
    """The beginnings of the lists' names behind their keys, the one that is shown reversed."""
    whole = Text("── ", no_wrap=True, end="")
    between, gap = (" · ", " ") if cells >= 90 else (" ", " " if cells >= 76 else "")
    for number, view in enumerate(View, 1):
        whole.append(between if number > 1 else "")
        start = len(whole)
        style = "bold reverse" if view is shown else ""
        whole.append(f"{number}{gap}{view[:letters]}", style=style)
        whole.apply_meta({"@click": f"app.view('{view}')"}, start)
    return whole


def told(shown: int, known: int, day: Day, frozen: Day | None) -> tuple[str, ...]:
    """How much of a list is shown; what came since it was frozen: longest first."""
    if frozen is not None:
        news = f"{FROZEN}, {day.version - frozen.version} new"
        return f"{news}: space resumes", news, FROZEN
    return (f"{shown} shown" if shown == known else f"{shown} of {known}", "")


def events(day: Day, now: Now, cells: int) -> Text:
    """What happened last, newest first."""
    whole = Text(no_wrap=True, end="")
    for number, note in enumerate(list(day.notes)[-MAX_EVENTS:][::-1]):
        words = _cut(f" {now.clock(note.at_us)} {note.mark} {note.text}", cells)
        style = STYLE_OF_MARK.get(note.mark, "")
        whole.append(("\n" if number else "") + now.glyphs(words), style=style)
    return whole


def _cut(words: str, cells: int) -> str:
    """As much of a line as fits."""
    return words if cell_len(words) <= cells else f"{chop_cells(words, max(1, cells - 2))[0]}…"


def keys(view: View, disabled: Callable[[str], str], now: Now, cells: int) -> Text:
    """The keys that matter in a list; those that cannot be used now are dim, undo shows up when
    there is something to undo. How to get help and how to leave stand there always."""
    every = footer(view)
    ends = [action for action in every if action.last]
    room = cells - sum(cell_len(now.glyphs(action.short)) + 2 for action in ends)
    whole = Text(" ", no_wrap=True, end="")
    for action in every:
        if action.last or len(whole) + len(action.short) + 2 > room:
            continue
        if action.name == "undo" and disabled("undo"):
            continue
        _key(whole, action, disabled, now)
    whole.append(" " * (room - len(whole)))
    for action in ends:
        _key(whole, action, disabled, now)
    return whole


def _key(whole: Text, action: Action, disabled: Callable[[str], str], now: Now) -> None:
    start = len(whole)
    whole.append(now.glyphs(action.short), style="dim" if disabled(deed_of(action)) else "")
    whole.apply_meta({"@click": click_of(action)}, start)
    whole.append("  ")


def question(asked: str, command: str, now: Now, cells: int) -> Text:
    """What is asked, its answers, and where there is room the command that does the same. The
    answers are always seen: the question is cut for them."""
    words, answers = now.glyphs(asked), Text()
    for number, (name, click) in enumerate(ANSWERS):
        if number >= NEEDED_ANSWERS and cell_len(words) + len(answers) + len(name) + 6 > cells:
            break
        start = len(answers)
        answers.append(name, style="bold")
        answers.apply_meta({"@click": f"app.{click}()"}, start)
        answers.append("  ")
    shown = _cut(words, cells - len(answers) - 3)
    whole = Text.assemble(f" {shown}   ", answers, no_wrap=True, end="")
    if len(whole) + len(command) < cells:
        whole.append(f"({now.glyphs(command)})", style="dim")
    return whole


def filtered(text: str, now: Now, cells: int) -> Text:
    """The filter in force, and the way out of it."""
    whole = Text(f" / {_cut(now.glyphs(text), cells - 17)}   ", no_wrap=True, end="")
    start = len(whole)
    whole.append("esc clears")
    whole.apply_meta({"@click": "app.leave()"}, start)
    return whole


def facts(known: Sequence[tuple[str, str]], now: Now) -> Text:
    """Names on the left, words on the right."""
    whole = Text(no_wrap=True, end="")
    for name, words in known:
        whole.append(f"{name:<11}", style="dim")
        whole.append(now.glyphs(words) + "\n")
    return whole
