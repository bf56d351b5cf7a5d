"""The lines of a report as CSV (RFC 4180) for a sheet: each amount in nano-dollars and in dollars,
both exact."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from agentspend.core.money import usd_text
from agentspend.reports.rollup import SUMS, Line

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MONEY = "_nusd"


def sheet(by: Sequence[str], lines: Iterable[Line]) -> Iterator[str]:
    """The head, then one line each, without their ends."""
    yield _written([*by, *(name for column in SUMS for name in _columns(column))])
    for line in lines:
        amounts = (cell for column in SUMS for cell in _cells(column, getattr(line.sums, column)))
        yield _written([*map(safe, line.values), *amounts])


def safe(text: str) -> str:
    """Somebody's own word, which no sheet may take for a formula: a branch may have any name."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _columns(name: str) -> list[str]:
    return [name, f"{name.removesuffix(_MONEY)}_usd"] if name.endswith(_MONEY) else [name]


def _cells(name: str, value: int) -> list[str]:
    return [str(value), usd_text(value)] if name.endswith(_MONEY) else [str(value)]


def _written(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
