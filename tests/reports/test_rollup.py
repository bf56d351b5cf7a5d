"""Rows of sums come out as lines: each counted once, in an order people expect."""

from zoneinfo import ZoneInfo

from agentspend.core.windows import QUARTER_US
from agentspend.reports.periods import Calendar
from agentspend.reports.rollup import Line, Row, Sums, roll_up, sums_of, total
from agentspend.reports.terms import read_where

BERLIN = Calendar(ZoneInfo("Europe/Berlin"))
MIDNIGHT = 1_795_647_600_000_000 // QUARTER_US  # 2026-11-26 in Berlin


def row(project: str, model: str, nusd: int, counted: str = "billed", quarter: int = 0) -> Row:
    """One row as the ledger has it, half of it estimated."""
    said = {"project": project, "model": model, "quarter": MIDNIGHT + quarter, "tags": "[]"}
    return said, sums_of(counted, nusd, nusd // 2, 1, 10, 20, 30, 40)


ROWS = [row("web", "opus", 10), row("api", "opus", 30), row("web", "haiku", 25),
        row("web", "opus", 4, "subscription"), row("", "opus", 1, quarter=-1)]  # fmt: skip


def test_what_is_of_a_subscription_is_no_money() -> None:
    """And its estimates are of no interest."""
    assert sums_of("billed", 7, 3, 1, 10, 20, 30, 40) == Sums(1, 7, 0, 3, 10, 20, 30, 40)
    assert sums_of("subscription", 7, 3, 1, 10, 20, 30, 40) == Sums(1, 0, 7, 0, 10, 20, 30, 40)


def test_the_most_first() -> None:
    """Real dollars and list price together."""
    lines = roll_up(ROWS, ("project",), (), BERLIN)
    assert lines[0] == Line(("web",), Sums(3, 35, 4, 17, 30, 60, 90, 120))
    assert [line.values[0] for line in lines] == ["web", "api", ""]
    assert total(lines) == Sums(5, 66, 4, 32, 50, 100, 150, 200)


def test_two_words_stand_in_groups() -> None:
    """A group's lines together, the larger group first, though its lines be small."""
    lines = roll_up(ROWS, ("project", "model"), (), BERLIN)
    assert [line.values for line in lines] == [
        ("web", "haiku"), ("web", "opus"), ("api", "opus"), ("", "opus"),
    ]  # fmt: skip


def test_times_stand_in_their_order() -> None:
    """Whether they come first or second."""
    lines = roll_up(ROWS, ("day", "model"), (), BERLIN)
    assert [line.values for line in lines] == [
        ("2026-11-25", "opus"), ("2026-11-26", "opus"), ("2026-11-26", "haiku"),
    ]  # fmt: skip
    lines = roll_up(ROWS, ("model", "day"), (), BERLIN)
    assert [line.values for line in lines] == [
        ("opus", "2026-11-25"), ("opus", "2026-11-26"), ("haiku", "2026-11-26"),
    ]  # fmt: skip


def test_what_is_not_meant_is_not_counted() -> None:
    """Nor is it a line of nothing."""
    (line,) = roll_up(ROWS, ("model",), read_where(["project=api"]), BERLIN)
    assert (line.values, line.sums.billed_nusd) == (("opus",), 30)
    assert roll_up(ROWS, ("model",), read_where(["project=none"]), BERLIN) == []
