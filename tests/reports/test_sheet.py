"""CSV for a sheet: exact amounts, and no word that a sheet would run."""

import csv

import pytest

from agentspend.reports.rollup import Line, Sums
from agentspend.reports.sheet import safe, sheet


def test_each_amount_twice() -> None:
    """In nano-dollars and in dollars, as a sheet reads it back."""
    lines = [Line(('we "b", x', "main"), Sums(2, 1_234_567_891, 5, 500_000_000, 1, 2, 3, 4))]
    head, row = csv.reader(sheet(("project", "branch"), lines))
    assert dict(zip(head, row, strict=True)) == {
        "project": 'we "b", x', "branch": "main", "requests": "2",
        "billed_nusd": "1234567891", "billed_usd": "1.234567891",
        "subscription_nusd": "5", "subscription_usd": "0.000000005",
        "estimated_nusd": "500000000", "estimated_usd": "0.5",
        "input_tokens": "1", "cache_read_tokens": "2", "cache_write_tokens": "3",
        "output_tokens": "4",
    }  # fmt: skip


@pytest.mark.parametrize("word", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx"])
def test_a_branch_may_be_called_like_a_formula(word: str) -> None:
    """It is text all the same."""
    assert safe(word) == f"'{word}"
    assert safe("main") == "main"
