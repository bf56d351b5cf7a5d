"""A report on the screen, as a table or as bars, and as JSON."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, tzinfo

from agentspend.cli import output
from agentspend.cli.report_reading import Opening
from agentspend.core.money import dollars
from agentspend.core.printable import clean
from agentspend.core.windows import moment
from agentspend.reports.periods import Calendar, Period
from agentspend.reports.rollup import Line, Sums, total
from agentspend.reports.terms import TIMES

NOTHING = "—"
"""Where there is no project, no tag … of that name."""
ESTIMATED = "~"
MOST_BAR_CELLS = 60
LEAST_BAR_CELLS = 8
PIPE_CELLS = 100
THOUSAND = 1_000
HEADS = {
    "requests": ">REQUESTS",
    "input_tokens": ">IN",
    "cache_read_tokens": ">CACHED",
    "cache_write_tokens": ">WRITTEN",
    "output_tokens": ">OUT",
    "billed_nusd": ">SPENT",
    "subscription_nusd": ">LISTED",
}
"""The sums in the order of their columns."""
MONEY = ("billed_nusd", "subscription_nusd")
ALWAYS = ("requests", "input_tokens", "output_tokens", "billed_nusd")
SPARE = ("cache_write_tokens", "cache_read_tokens", "input_tokens", "output_tokens", "requests")
"""What goes first where the terminal is too narrow."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is shown: how it began, what was asked for, and its lines."""

    begun: Opening
    period: Period
    by: tuple[str, ...]
    where: tuple[str, ...]
    lines: tuple[Line, ...]
    running: bool


Show = Callable[[Report], None]


def answer(report: Report) -> dict[str, object]:
    """The shape of `--json`."""
    begun, period = report.begun, report.period
    return {
        "by": report.by,
        "where": report.where,
        "since": _iso(period.starts_us, begun.zone) if period.starts_us else None,
        "until": None if period.ends_us is None else _iso(period.ends_us, begun.zone),
        "zone": str(begun.zone),
        "lines": [
            {**dict(zip(report.by, line.values, strict=True)), **asdict(line.sums)}
            for line in report.lines
        ],
        "total": asdict(total(report.lines)),
        "held_nusd": begun.held_nusd,
        "held_requests": begun.held_requests,
        "running": report.running,
    }


def show_table(report: Report) -> None:
    """One row a line, then all of them together; columns without any figure are left out."""
    if not _headed(report):
        return
    whole = total(report.lines)
    shown = _columns(whole)
    rows = [[*_names(report, line), *_figures(line.sums, shown)] for line in report.lines]
    if len(rows) > 1:
        rows.append([*_total_names(report), *_figures(whole, shown)])
    heads = [*(word.upper() for word in report.by), *(HEADS[name] for name in shown)]
    spare = [heads.index(HEADS[name]) for name in SPARE if name in shown]
    output.table(heads, rows, spare=spare)
    _footed(report, whole)


def show_chart(report: Report) -> None:
    """One bar a line, and its money: █ real dollars, ▒ at list price on subscriptions."""
    if not _headed(report):
        return
    whole = total(report.lines)
    lines = list(_with_gaps(report))
    shown = [name for name in _columns(whole) if name in MONEY]
    rows = [[*_names(report, line), "", *_figures(line.sums, shown)] for line in lines]
    if len(rows) > 1:
        rows.append([*_total_names(report), "", *_figures(whole, shown)])
    heads = [*(word.upper() for word in report.by), "", *(HEADS[name] for name in shown)]
    place = len(report.by)
    most_nusd = max((line.sums.all_nusd for line in lines), default=0)
    cells = _bar_cells(heads, rows)
    for row, line in zip(rows, lines, strict=False):
        row[place] = _bar(line.sums, most_nusd, cells)
    output.table(heads, rows)
    _footed(report, whole)


def _bar_cells(heads: list[str], rows: list[list[str]]) -> int:
    """What is left of the screen for the bars."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_CELLS
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    left = width - sum(widths) - output.GAP * (len(widths) - 1)
    return min(MOST_BAR_CELLS, max(LEAST_BAR_CELLS, left))


def _headed(report: Report) -> bool:
    """The line that says what is shown. Where nothing was spent: what to do; False."""
    begun = report.begun
    only = f", only {clean(' '.join(report.where))}" if report.where else ""
    output.line(
        f"{report.period.text(begun.now_us, begun.zone)} ({begun.zone}), by"
        f" {' and '.join(report.by)}{only}"
    )
    if report.lines:
        output.line()
        return True
    if begun.extent_us is None:
        output.line("nothing was spent yet")
        output.line("→ agentspend run claude")
    elif report.where:
        key = report.where[0].partition("=")[0]
        output.line("nothing was spent by that")
        output.line(f"→ agentspend report all --by {key if key != 'tag' else 'project'}")
    else:
        last = moment(begun.extent_us[1]).astimezone(begun.zone).date()
        output.line(f"nothing was spent; the last charge was on {last.isoformat()}")
        output.line("→ agentspend report all --by month")
    return False


def _footed(report: Report, whole: Sums) -> None:
    """What the figures rest on, and what is in flight."""
    begun = report.begun
    notes = []
    if whole.estimated_nusd:
        notes.append(f"{ESTIMATED} {dollars(whole.estimated_nusd)} of it is estimated: what was"
                     " used was never told  → agentspend log -n 0 --filter est")  # fmt: skip
    if whole.subscription_nusd:
        notes.append("LISTED is what subscriptions covered, at list price: no money")
    if begun.held_requests:
        many = "1 request" if begun.held_requests == 1 else f"{begun.held_requests} requests"
        held = f"{dollars(begun.held_nusd)} more is held"
        notes.append(
            f"{held} now, by {many} in flight"
            if report.running
            else f"{held} by {many} that the daemon died with: its next start charges that in full"
        )
    if notes:
        output.line()
    for note in notes:
        output.line(note)


def _columns(whole: Sums) -> list[str]:
    """The sums that are shown: those of every request, and others where there is any."""
    return [name for name in HEADS if name in ALWAYS or getattr(whole, name)]


def _figures(sums: Sums, shown: list[str]) -> list[str]:
    """The cells of a line: money with its mark where it rests on an estimate, tokens in short."""
    cells = []
    for name in shown:
        value = int(getattr(sums, name))
        if name == "billed_nusd":
            mark = ESTIMATED if sums.estimated_nusd else ""
            cells.append(f"{mark}{dollars(value)}")
        elif name == "subscription_nusd":
            cells.append(dollars(value) if value else "")
        else:
            cells.append(f"{value:,}" if name == "requests" else tokens_text(value))
    return cells


def tokens_text(count: int) -> str:
    """A count of tokens in short: `850`, `18.2k`, `1.92M`."""
    for unit, size in (("G", THOUSAND**3), ("M", THOUSAND**2), ("k", THOUSAND)):
        if count >= size:
            digits = 2 if count < 10 * size else 1 if count < 100 * size else 0
            return f"{count / size:.{digits}f}{unit}"
    return str(count)


def _names(report: Report, line: Line) -> list[str]:
    """A line's values as they are shown: a day with its weekday, a dash for none."""
    return [
        output.plain(_day(value) if word == "day" else value or NOTHING)
        for word, value in zip(report.by, line.values, strict=True)
    ]


def _total_names(report: Report) -> list[str]:
    return ["total", *[""] * (len(report.by) - 1)]


def _day(value: str) -> str:
    return f"{value} {date.fromisoformat(value):%a}"


def _bar(sums: Sums, most_nusd: int, cells: int) -> str:
    """Without the ░ of what is free: a report knows no limit."""
    billed, listed = max(0, sums.billed_nusd), max(0, sums.subscription_nusd)
    return output.bar(billed, listed, max(1, most_nusd), cells).rstrip("░")


def _with_gaps(report: Report) -> Iterator[Line]:
    """The lines of a chart: of times alone also those when nothing was spent, up to now; what a
    clock that was put back left after that comes last."""
    (first, *more), lines = report.by, report.lines
    if more or first not in TIMES or not lines:
        yield from lines
        return
    calendar, found = Calendar(report.begun.zone), {line.values[0]: line for line in lines}
    last_us = report.begun.now_us
    if report.period.ends_us is not None:
        last_us = min(last_us, report.period.ends_us - 1)
    for name in calendar.all_between(first, lines[0].values[0], last_us):
        yield found.pop(name, Line((name,), Sums()))
    yield from found.values()


def _iso(at_us: int, zone: tzinfo) -> str:
    return moment(at_us).astimezone(zone).isoformat()
