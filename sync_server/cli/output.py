"""What the commands write: data on stdout, talk on stderr, `--json` versioned on one line."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from agentspend.core.errors import AgentspendError
from agentspend.core.folding import folded
from agentspend.core.printable import clean, in_encoding

WIDE = 10_000
LONG = 50_000
"""From how many steps on progress is shown."""


def line(text: str = "") -> None:
    """One line of data. When the reader of a pipe has gone, the command ends quietly."""
    try:
        sys.stdout.write(in_encoding(text, sys.stdout.encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def answer(value: Mapping[str, Any]) -> None:
    """A command's whole JSON answer: `v` first."""
    rest = {name: each for name, each in value.items() if name != "v"}
    line(json.dumps({"v": 1, **rest}, ensure_ascii=False, separators=(",", ":")))


def say(text: str) -> None:
    """One line of talk, broken between words where a terminal would break it anywhere."""
    try:
        width = os.get_terminal_size(sys.stderr.fileno()).columns or WIDE
    except (OSError, ValueError):
        width = WIDE
    sys.stderr.write(in_encoding(folded(text, width), sys.stderr.encoding) + "\n")
    sys.stderr.flush()


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr while a person waits for something long; it is told how much was done."""
    if total < LONG or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


def tell(error: AgentspendError) -> None:
    """An error: what happened and the fact behind it, then the way out."""
    say(f"agentspend-server: {error.message}")
    if error.hint:
        say(f"→ {error.hint}")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Plain columns; a name that begins with ">" is right-aligned."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        right = name.startswith(">")
        drawn.add_column(
            name.removeprefix(">"), justify="right" if right else "left", no_wrap=right
        )
    for row in rows:
        drawn.add_row(*(Text(clean(str(cell))) for cell in row))
    there = sys.stdout.isatty()
    console = Console(width=None if there else WIDE, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(drawn)
    for text in captured.get().splitlines():
        line(text.rstrip())
