"""`agentspend report`: what was spent, by project, model, day …; as a table, a chart, or data."""

from typing import Annotated, Literal

import typer

from agentspend.cli import access, completing, output
from agentspend.cli.diagnostics import UsageError, as_written
from agentspend.cli.report_lines import Report, answer, show_chart, show_table
from agentspend.cli.report_reading import opening, rows
from agentspend.reports.periods import Calendar, read_period
from agentspend.reports.rollup import roll_up
from agentspend.reports.sheet import sheet
from agentspend.reports.terms import columns, read_by, read_where

Form = Literal["table", "chart", "json", "csv"]


def report(
    period_word: Annotated[
        str,
        typer.Argument(
            metavar="PERIOD",
            help="today, yesterday, this-week, last-week, this-month (when nothing is said),"
            " last-month, all, 7d, 2026-11, 2026-11-25.",
            autocompletion=completing.periods,
        ),
    ] = "",
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORDS",
            help="What each line stands for: one or two of day, week, month, project, branch,"
            " agent, model, provider, member, team, key, tag:KEY. Without it day, or project where"
            " it is a single day.",
            autocompletion=completing.report_by,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Only this: project=web, model=claude-*, tag:ticket=ABC-12. Of one name several"
            " may be given; project= is what has none.",
            autocompletion=completing.report_where,
        ),
    ] = None,
    since: Annotated[
        str,
        typer.Option(
            metavar="PERIOD", help="From its beginning on.", autocompletion=completing.periods
        ),
    ] = "",
    until: Annotated[
        str,
        typer.Option(metavar="PERIOD", help="Up to its end.", autocompletion=completing.periods),
    ] = "",
    chart: Annotated[bool, typer.Option("--chart", help="Bars instead of figures.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a sheet, with exact amounts.")] = False,
    form: Annotated[Form | None, typer.Option("--format", help="The same by one word.")] = None,
) -> None:
    """Show what was spent: real dollars, and apart from them subscriptions at list price."""
    with as_written():
        words, terms = read_by(by or []), read_where(where or [])
    style = _style(form, {"chart": chart, "json": as_json, "csv": as_csv})
    with access.reading(must_exist=False, whole=False) as (ask, running):
        begun = opening(ask)
        with as_written():
            period = read_period(period_word, since, until, begun.now_us, begun.zone)
        words = words or (("project",) if period.is_a_day(begun.now_us) else ("day",))
        found = rows(ask, columns(words, terms), period)
        lines = roll_up(found, words, terms, Calendar(begun.zone))
    made = Report(begun, period, words, tuple(where or ()), tuple(lines), running)
    if style == "json":
        output.answer(answer(made))
    elif style == "csv":
        for text in sheet(words, lines):
            output.line(text)
    elif style == "chart":
        show_chart(made)
    else:
        show_table(made)


def _style(form: Form | None, asked: dict[str, bool]) -> str:
    """How it is written. Raises `UsageError` for two ways at once."""
    chosen = dict.fromkeys(
        [name for name, wanted in asked.items() if wanted] + ([form] if form else [])
    )
    if len(chosen) > 1:
        raise UsageError(
            f"it is written one way at a time, not as {' and '.join(chosen)}",
            "agentspend report --csv > spent.csv",
        )
    return next(iter(chosen), "table")
