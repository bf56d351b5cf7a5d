"""Figures as the screen writes them: money, tokens, durations, bars, curves. Pure.

Widths are cells. Spent money is rounded up and free money down, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from agentspend.core.printable import LOOKS_LIKE, clean

NUSD_PER_CENT = 10_000_000
_BLOCKS = "▁▂▃▄▅▆▇█"
_BLOCKS_ASCII = "_.,-=+*#"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Which characters may be drawn: all of them, or ASCII only."""

    ascii: bool = False

    def __call__(self, text: str) -> str:
        """One line's text in the characters that may be drawn: none that a terminal obeys."""
        text = clean(text)
        if not self.ascii:
            return text
        return text.translate(LOOKS_LIKE).encode("ascii", "replace").decode()

    def curve(self, values: Sequence[int]) -> str:
        """One cell a value, scaled to the largest; nothing is drawn lowest."""
        blocks = _BLOCKS_ASCII if self.ascii else _BLOCKS
        top = max(values, default=0)
        if top <= 0:
            return blocks[0] * len(values)
        last = len(blocks) - 1
        return "".join(blocks[min(last, -(-max(0, value) * last // top))] for value in values)


def cents(nusd: int) -> str:
    """Spent or held money in whole cents, rounded up: `$9.61`."""
    return _cents(-(-abs(nusd) // NUSD_PER_CENT), negative=nusd < 0)


def free_cents(nusd: int) -> str:
    """Money that may be spent in whole cents, rounded down."""
    return _cents(max(0, nusd) // NUSD_PER_CENT, negative=False)


def _cents(count: int, *, negative: bool) -> str:
    sign = "-" if negative and count else ""
    return f"{sign}${count // 100:,}.{count % 100:02d}"


def precise(nusd: int) -> str:
    """One request's cost, four decimals, rounded up: `$0.0412`."""
    units = -(-abs(nusd) // 100_000)
    return f"{'-' if nusd < 0 else ''}${units // 10_000:,}.{units % 10_000:04d}"


def tokens(count: int) -> str:
    """Three significant digits: `412`, `18.2k`, `1.92M`."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            hundredths = count * 100 // size
            if hundredths < 1_000:
                return f"{hundredths // 100}.{hundredths % 100:02d}{unit}"
            if hundredths < 10_000:
                return f"{hundredths // 100}.{hundredths % 100 // 10}{unit}"
            return f"{hundredths // 100}{unit}"
    return str(count)


def ago(seconds: int) -> str:
    """How long ago, in one unit: `now`, `14s`, `6m`, `3h`, `12d`."""
    if seconds < 2:
        return "now"
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def left(seconds: int) -> str:
    """How long until: `9h27m`, `27m`, `12d`."""
    if seconds >= 2 * 86_400:
        return f"{seconds // 86_400}d"
    if seconds >= 3_600:
        return f"{seconds // 3_600}h{seconds % 3_600 // 60:02d}m"
    return f"{seconds // 60}m" if seconds >= 60 else f"{max(0, seconds)}s"


def bar(spent: int, held: int, limit: int, cells: int) -> str:
    """Spent █, held ▒, free ░ between two edges. What is used at all shows at least one cell, and
    a bar is full only when the limit is reached."""
    if limit <= 0:
        return f"▕{'█' * cells}▏"
    full = min(cells, spent * cells // limit)
    used = min(cells, -(-(spent + held) * cells // limit)) if held else full
    if spent > 0 and full == 0:
        full, used = 1, max(1, used)
    if held and used == full and full < cells:
        used += 1
    if spent + held < limit and used == cells:
        used -= 1
        full = min(full, used)
    return f"▕{'█' * full}{'▒' * (used - full)}{'░' * (cells - used)}▏"


def percent(used: int, limit: int) -> int:
    """How much of a limit is used; 100 only when all of it is."""
    return 100 if limit <= 0 else used * 100 // limit


def middle(text: str, cells: int) -> str:
    """A name cut in its middle: both ends tell the most. Nothing in it is obeyed."""
    text = clean(text)
    if cell_len(text) <= cells:
        return text
    if cells <= 1:
        return "…"[:cells]
    head = (cells - 1) // 2
    return f"{_first(text, head)}…{_first(text[::-1], cells - 1 - head)[::-1]}"


def _first(text: str, cells: int) -> str:
    """As much of the beginning as fits."""
    return chop_cells(text, cells)[0] if cells and cell_len(text[0]) <= cells else ""


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """Exactly so many cells: cut in the middle, or filled with blanks."""
    cut = middle(text, cells)
    pad = " " * (cells - cell_len(cut))
    return pad + cut if right else cut + pad
