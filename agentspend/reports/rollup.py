"""Rows of sums → the lines of a report and their total, exact to the nano-dollar.

Each row is counted in exactly one line, whatever is added up by: all tables have one total.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields

from agentspend.core.windows import QUARTER_US
from agentspend.reports.periods import Calendar
from agentspend.reports.terms import TIMES, Said, Term, passes, values_of_tag

BILLED = "billed"


@dataclass(slots=True)
class Sums:
    """What a line adds up. `billed_nusd` are real dollars, `subscription_nusd` is what a
    subscription covered, at list price; `estimated_nusd` is the part of the real dollars that rests
    on estimates."""

    requests: int = 0
    billed_nusd: int = 0
    subscription_nusd: int = 0
    estimated_nusd: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0

    def add(self, other: "Sums") -> None:
        """Count these as well."""
        self.requests += other.requests
        self.billed_nusd += other.billed_nusd
        self.subscription_nusd += other.subscription_nusd
        self.estimated_nusd += other.estimated_nusd
        self.input_tokens += other.input_tokens
        self.cache_read_tokens += other.cache_read_tokens
        self.cache_write_tokens += other.cache_write_tokens
        self.output_tokens += other.output_tokens

    @property
    def all_nusd(self) -> int:
        """What a bar is as long as."""
        return self.billed_nusd + self.subscription_nusd


SUMS = tuple(field.name for field in fields(Sums))
Row = tuple[Said, Sums]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the value of each word added up by ("" where there is none), and its sums."""

    values: tuple[str, ...]
    sums: Sums


def sums_of(counted: str, amount_nusd: int, estimated_nusd: int, *counts: int) -> Sums:
    """The sums of one row as the ledger keeps them: real dollars or a subscription's."""
    requests, *tokens = counts
    if counted == BILLED:
        return Sums(requests, amount_nusd, 0, estimated_nusd, *tokens)
    return Sums(requests, 0, amount_nusd, 0, *tokens)


def roll_up(
    rows: Iterable[Row], by: Sequence[str], where: Sequence[Term], calendar: Calendar
) -> list[Line]:
    """The lines of a report: times in their order, others by what was spent, the most first."""
    found: dict[tuple[str, ...], Sums] = {}
    readers = [_reader(word, calendar) for word in by]
    for said, sums in rows:
        if where and not passes(where, said):
            continue
        values = tuple(read(said) for read in readers)
        line = found.get(values)
        if line is None:
            found[values] = line = Sums()
        line.add(sums)
    return _in_order([Line(values, sums) for values, sums in found.items()], by)


def total(lines: Iterable[Line]) -> Sums:
    """All lines together."""
    whole = Sums()
    for line in lines:
        whole.add(line.sums)
    return whole


def _reader(word: str, calendar: Calendar) -> Callable[[Said], str]:
    """How a row's value under a word is found."""
    if word in TIMES:
        return lambda said: calendar.name(word, said["quarter"] * QUARTER_US)
    if word.startswith("tag:"):
        return lambda said: ", ".join(values_of_tag(word, said))
    return lambda said: str(said[word])


def _in_order(lines: list[Line], by: Sequence[str]) -> list[Line]:
    """Lines that share their first value stand together."""
    groups: dict[str, int] = {}
    for line in lines:
        groups[line.values[0]] = groups.get(line.values[0], 0) + line.sums.all_nusd

    def place(line: Line) -> tuple[object, ...]:
        first, last = line.values[0], line.values[-1]
        group = () if by[0] in TIMES else (-groups[first],)
        own = () if by[-1] in TIMES else (-line.sums.all_nusd,)
        return (*group, first, *own, last)

    return sorted(lines, key=place)
