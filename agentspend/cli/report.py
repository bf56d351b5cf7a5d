"""`agentspend report`: what was spent, by project, model, day …; as a table, a chart, or data."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agentspend.cli import access, completing, output
from agentspend.cli.diagnostics import UsageError, as_written

if TYPE_CHECKING:
    from agentspend.cli.report_lines import Report

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
    style = _style(form, {"chart": chart, "json": as_json, "csv": as_csv})
    made = _made(period_word, since, until, by or [], where or [])
    _write(style, made)


def _made(word: str, since: str, until: str, by: list[str], where: list[str]) -> "Report":
    """Read the words, then the ledger."""
    from agentspend.cli.report_lines import Report
    from agentspend.cli.report_reading import opening, rows
    from agentspend.reports.periods import Calendar, read_period
    from agentspend.reports.rollup import roll_up
    from agentspend.reports.terms import columns, read_by, read_where

    with as_written():
        words, terms = read_by(by), read_where(where)
    with access.reading(must_exist=False, whole=False) as (ask, running):
        begun = opening(ask)
        with as_written():
            period = read_period(word, since, until, begun.now_us, begun.zone)
        words = words or (("project",) if period.is_a_day(begun.now_us) else ("day",))
        found = rows(ask, columns(words, terms), period)
        lines = roll_up(found, words, terms, Calendar(begun.zone))
    return Report(begun, period, words, tuple(where), tuple(lines), running)


def _write(style: str, made: "Report") -> None:
    from agentspend.cli import report_lines
    from agentspend.reports.sheet import sheet

    if style == "json":
        output.answer(report_lines.answer(made))
    elif style == "csv":
        for text in sheet(made.by, made.lines):
            output.line(text)
    elif style == "chart":
        report_lines.show_chart(made)
    else:
        report_lines.show_table(made)


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
