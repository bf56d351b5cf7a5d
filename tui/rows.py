"""A view is columns and rows; a row is known by its key, so a selection follows it. Pure values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import overload


class View(StrEnum):
    """The lists one can look at, in the order of their keys."""

    AGENTS = "Agents"
    REQUESTS = "Requests"
    MODELS = "Models"
    PROJECTS = "Projects"
    REFUSED = "Refused"
    TEAM = "Team"


class Mark(StrEnum):
    """What a row is marked with; each has a glyph, so that no meaning is in colour alone."""

    NONE = ""
    LIVE = "◐"
    NEAR = "!"
    REFUSED = "✗"
    ASKS = "?"


NEVER = 9


@dataclass(frozen=True, slots=True)
class Column:
    """`name` as shown; `cells` wide; `right`-aligned; shown only from a width class on.

    `least` is 0 for always, 1 from 80, 2 from 120, 3 from 150 cells, `NEVER` not now. `grows` takes
    what is left.
    """

    name: str
    cells: int
    right: bool = False
    least: int = 0
    grows: bool = False


class Cells(Sequence[str]):
    """A row's words, put together when they are first looked at: of two thousand rows some thirty
    are ever seen."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], tuple[str, ...]]) -> None:
        self._make = make
        self._made: tuple[str, ...] | None = None

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if self._made is None:
            self._made = self._make()
        return self._made[place]

    def __len__(self) -> int:
        return len(self._made if self._made is not None else self[:])


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a cell a column, what it sorts by, and what a filter sees.

    `rid`, `session` and `question` are what an action on it means ("" when there is none). `text`
    is drawn across all columns instead of the cells. It stands below the row of the key `under`;
    one that is `first` stands above all others.
    """

    key: str
    cells: Sequence[str]
    order: tuple[object, ...]
    mark: Mark = Mark.NONE
    fields: Mapping[str, str] = field(default_factory=dict)
    nusd: int = 0
    flags: frozenset[str] = frozenset()
    rid: str = ""
    session: str = ""
    question: str = ""
    text: str = ""
    under: str = ""
    first: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A view's columns, its rows, and which column they are sorted by at first."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    sort: int
    reverse: bool = True
