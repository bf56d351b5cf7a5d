"""Everything the commands write on stdout: data, as text for people or as versioned JSON.

Tables are plain columns: figures right-aligned, no frames, no trailing blanks, so that they read
well in a terminal and cut well in a pipe. Rich is imported only when a table is drawn.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agentspend.cli.diagnostics import close_pipes, coloured, columns
from agentspend.core.errors import AgentspendError
from agentspend.core.folding import folded
from agentspend.core.printable import clean, in_encoding

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    Cell = str | Text

BAR_CELLS = 20
PIPE_WIDTH = 10_000
GAP = 2
LEAST_CELLS = 6


def line(text: str = "") -> None:
    """One line of data. When the reader of a pipe has gone, the command ends quietly."""
    try:
        sys.stdout.write(in_encoding(text, sys.stdout.encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        close_pipes()
        raise SystemExit(0) from None


def sentence(text: str) -> None:
    """A line of words: a narrow terminal gets it broken between them."""
    line(folded(text, columns(sys.stdout)))


def need_terminal(what: str, otherwise: str) -> None:
    """Refuse what has to be drawn where nothing can be; `otherwise` is the command to use then."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AgentspendError(f"{what} needs a terminal", otherwise)


def json_line(value: Mapping[str, Any]) -> None:
    """One JSON object on one line."""
    line(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def answer(value: Mapping[str, Any]) -> None:
    """A command's whole JSON answer: `v` first."""
    json_line({"v": 1, **value})


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    head: bool = True,
    wrap: bool = False,
    spare: Sequence[int] = (),
) -> None:
    """Draw columns. A name that begins with ">" is right-aligned; cells may hold rich markup.

    Where the terminal is too narrow, the columns numbered in `spare` go first, in that order; then
    words are cut with "…", or wrapped with `wrap`.
    """
    from rich.console import Console

    colours = coloured(sys.stdout)
    console = Console(
        width=None if sys.stdout.isatty() else PIPE_WIDTH,
        force_terminal=colours,
        color_system="standard" if colours else None,
        highlight=False,
        emoji=False,
    )
    top = [_text(f"[dim]{name.removeprefix('>')}[/]" if name else "") for name in columns]
    cells = [top, *([_text(cell) for cell in row] for row in rows)]
    widths = [max(_width(cell) for cell in column) for column in zip(*cells, strict=True)]
    kept = _fitting(widths, spare, console.width)
    right = {number for number in kept if columns[number].startswith(">")}
    shown = cells if head else cells[1:]
    with console.capture() as captured:
        if wrap:
            console.print(_wrapped(shown, kept, right))
        else:
            soft = [number for number in kept if number not in right]
            _shrink(widths, kept, soft, console.width, LEAST_CELLS)
            _shrink(widths, kept, kept, console.width, 1)
            _print_rows(console, shown, {number: widths[number] for number in kept}, right)
    for text in captured.get().splitlines():
        line(text.rstrip())


def _text(cell: str) -> "Cell":
    """A cell as it is drawn: plain words stay a `str`, which costs a tenth of a `Text`."""
    if "[" not in cell and "\\" not in cell:
        return cell
    from rich.text import Text

    return Text.from_markup(cell)


def _width(cell: "Cell") -> int:
    """How many cells of a terminal it takes."""
    from rich.cells import cell_len

    if not isinstance(cell, str):
        return cell.cell_len
    return len(cell) if cell.isascii() else cell_len(cell)


def _wrapped(rows: "Sequence[Sequence[Cell]]", kept: list[int], right: set[int]) -> Any:
    """Long words go on below, in their column."""
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, show_header=False)
    for number in kept:
        justified = number in right
        drawn.add_column(
            justify="right" if justified else "left", overflow="fold", no_wrap=justified
        )
    for row in rows:
        drawn.add_row(*(row[number] for number in kept))
    return drawn


def _print_rows(
    console: "Console",
    rows: "Sequence[Sequence[Cell]]",
    widths: Mapping[int, int],
    right: set[int],
) -> None:
    """One line a row, cells cut to their width. By hand: thousands of rows take rich's own table
    seconds."""
    for row in rows:
        made: list[Cell] = []
        for number, width in widths.items():
            cell = row[number]
            if _width(cell) > width:
                cell = _cut(cell, width)
            gap = " " * (width - _width(cell))
            made += [gap, cell] if number in right else [cell, gap]
            made.append(" " * GAP)
        if all(isinstance(part, str) for part in made):
            console.out("".join(map(str, made)), highlight=False)
        else:
            from rich.text import Text

            whole = Text.assemble(*made)
            console.print(whole, soft_wrap=True)


def _cut(cell: "Cell", width: int) -> "Text":
    """A cell that is too long, with "…" for what is left out."""
    from rich.text import Text

    made = cell.copy() if isinstance(cell, Text) else Text(cell)
    made.truncate(width, overflow="ellipsis")
    return made


def _shrink(widths: list[int], kept: list[int], soft: list[int], width: int, least: int) -> None:
    """Take cells from the widest of the soft columns, as long as that is needed and they last."""
    while sum(widths[each] + GAP for each in kept) - GAP > width:
        widest = max(soft, key=lambda each: widths[each], default=None)
        if widest is None or widths[widest] <= least:
            return
        widths[widest] -= 1


def _fitting(widths: Sequence[int], spare: Sequence[int], width: int) -> list[int]:
    """The columns to draw: all of them, or without as many spare ones as it takes to fit."""
    kept = list(range(len(widths)))
    for number in spare:
        if sum(widths[each] + GAP for each in kept) - GAP <= width:
            break
        kept.remove(number)
    return kept


def styled(text: str, style: str) -> str:
    """A table cell in a rich style; "" leaves it plain. The text itself is never markup."""
    from rich.markup import escape

    plain = escape(clean(text))
    return f"[{style}]{plain}[/]" if style and plain else plain


def plain(text: str) -> str:
    """A table cell that holds someone's own words."""
    return styled(text, "")


def bar(spent_nusd: int, held_nusd: int, limit_nusd: int, cells: int = BAR_CELLS) -> str:
    """A budget as a bar: █ spent, ▒ held, ░ free. Anything spent or held shows."""
    whole = max(limit_nusd, spent_nusd + held_nusd, 1)
    spent = _cells(spent_nusd, whole, cells)
    held = min(cells - spent, _cells(held_nusd, whole, cells))
    return "█" * spent + "▒" * held + "░" * (cells - spent - held)


def _cells(part: int, whole: int, cells: int) -> int:
    """A share in cells, rounded to the nearest, at least one for anything above zero."""
    return 0 if part <= 0 else max(1, (2 * part * cells + whole) // (2 * whole))
