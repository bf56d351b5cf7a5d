"""Where a list's columns stand: fixed widths, and one that takes what is left. Pure."""

from collections.abc import Sequence

from tui.format import fit
from tui.rows import Column

GAP = 1
MARK_CELLS = 3


def needed(columns: Sequence[Column]) -> int:
    """How many cells they take at the least, with their gaps and the mark before them."""
    return MARK_CELLS + sum(column.cells + GAP for column in columns)


def widths(columns: Sequence[Column], cells: int) -> list[int]:
    """How wide each column is drawn: what is over goes to the ones that grow."""
    taken = needed(columns)
    growing = sum(column.grows for column in columns) or 1
    spare = max(0, cells - taken) // growing
    return [column.cells + (spare if column.grows else 0) for column in columns]


def line_of(cells: Sequence[str], columns: Sequence[Column], wide: Sequence[int]) -> str:
    """One row's words in their columns, without its mark."""
    parts = [
        fit(text, width, right=column.right)
        for text, column, width in zip(cells, columns, wide, strict=True)
    ]
    return (" " * GAP).join(parts)
