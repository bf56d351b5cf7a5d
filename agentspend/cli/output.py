"""Everything the commands write on stdout: data, as text for people or as versioned JSON.

Tables are plain columns: figures right-aligned, no frames, no trailing blanks, so that they read
well in a terminal and cut well in a pipe. Rich is imported only when a table is drawn.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from agentspend.cli.diagnostics import close_pipes, coloured
from agentspend.core.errors import AgentspendError
from agentspend.core.printable import clean

BAR_CELLS = 20
PIPE_WIDTH = 10_000
GAP = 2
LEAST_CELLS = 6


def line(text: str = "") -> None:
    """One line of data. When the reader of a pipe has gone, the command ends quietly."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        close_pipes()
        raise SystemExit(0) from None


def need_terminal(otherwise: str) -> None:
    """Refuse to draw a screen where there is none; `otherwise` is the command to use then."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AgentspendError("a screen needs a terminal", otherwise)


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
    from rich.table import Table

    colours = coloured(sys.stdout)
    console = Console(
        width=None if sys.stdout.isatty() else PIPE_WIDTH,
        force_terminal=colours,
        color_system="standard" if colours else None,
        highlight=False,
        emoji=False,
    )
    cells = [list(row) for row in rows]
    widths = _widths([[name.removeprefix(">") for name in columns], *cells])
    kept = _fitting(widths, spare, console.width)
    if not wrap:
        soft = [number for number in kept if not columns[number].startswith(">")]
        _shrink(widths, kept, soft, console.width)
    drawn = Table(box=None, pad_edge=False, show_header=head, header_style="dim")
    for number in kept:
        name = columns[number]
        justify: Literal["left", "right"] = "right" if name.startswith(">") else "left"
        drawn.add_column(
            name.removeprefix(">"),
            justify=justify,
            width=None if wrap else widths[number],
            overflow="fold" if wrap else "ellipsis",
            no_wrap=not wrap or justify == "right",
        )
    for row in cells:
        drawn.add_row(*(row[number] for number in kept))
    with console.capture() as captured:
        console.print(drawn)
    for text in captured.get().splitlines():
        line(text.rstrip())


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """How wide each column wants to be, in cells."""
    from rich.text import Text

    columns = zip(*rows, strict=True)
    return [max(Text.from_markup(cell).cell_len for cell in cells) for cells in columns]


def _shrink(widths: list[int], kept: list[int], soft: list[int], width: int) -> None:
    """Take cells from the widest words, so that the figures stay whole."""
    while sum(widths[each] + GAP for each in kept) - GAP > width:
        widest = max(soft, key=lambda each: widths[each], default=None)
        if widest is None or widths[widest] <= LEAST_CELLS:
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
