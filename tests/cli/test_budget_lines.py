"""Budgets in words: which apply to a session, what is left, when they reset."""

import pytest

from agentspend.cli import budget_lines
from agentspend.core.scopes import Payer

NOON_US = 1_795_608_000_000_000
LINE = {"name": "daily", "scope": "everything", "window": "day", "mode": "hard",
        "session": "", "limit_nusd": 10**10, "free_nusd": 10**9,
        "resets_at": "2026-11-26T00:00:00+00:00"}  # fmt: skip
ANA = Payer(agent="claude", session="s_1", project="acme/api", tags=("team=blue",))


@pytest.mark.parametrize(
    ("scope", "session", "applies"),
    [
        ("everything", "", True),
        ("agent=claude", "", True),
        ("agent=codex", "", False),
        ("agent=claude project=acme/api", "", True),
        ("project=other agent=claude", "", False),
        ("tag=team=blue", "", True),
        ("tag=team=red", "", False),
        ("model=claude-opus-*", "", True),
        ("agent=codex model=claude-opus-*", "", False),
        ("everything", "s_1", True),
        ("everything", "s_2", False),
    ],
)
def test_which_budgets_apply(scope: str, session: str, *, applies: bool) -> None:
    """What is known of a session decides; a model is known only request by request."""
    line = {**LINE, "scope": scope, "session": session}
    assert (budget_lines.applying([line], ANA) == [line]) is applies


def test_the_tightest_is_the_one_that_refuses_first() -> None:
    """The hard budget with the least left; one that only warns does not refuse."""
    tight = {**LINE, "free_nusd": 5}
    warn = {**LINE, "mode": "warn", "free_nusd": 1}
    assert budget_lines.tightest([LINE, warn, tight]) is tight
    assert budget_lines.tightest([warn]) is None
    assert budget_lines.tightest([]) is None


def test_one_per_subagent_is_the_tightest_only_where_it_is_alone() -> None:
    """It stops one subagent, and none of the rest of a session."""
    each = {**LINE, "window": "subagent", "free_nusd": 1}
    assert budget_lines.tightest([each, LINE]) is LINE
    assert budget_lines.tightest([each]) is each


def test_what_is_left_in_words() -> None:
    """Free of limit, per window; a total has no window."""
    assert budget_lines.left_text(LINE) == "daily $1.00 of $10.00 free per day"
    assert budget_lines.left_text({**LINE, "window": "total"}) == "daily $1.00 of $10.00 free"


def test_when_it_resets() -> None:
    """By the calendar in words; a rolling window has no such moment."""
    assert budget_lines.resets_in(LINE, NOON_US) == "12 h"
    assert budget_lines.resets_when(LINE, NOON_US) == "resets tonight 00:00 (in 12 h)"
    late = NOON_US + 86_400_000_000
    assert budget_lines.resets_in(LINE, late) == "0 s"
    rolling = {**LINE, "resets_at": None}
    assert budget_lines.resets_in(rolling, NOON_US) == "-"
    assert budget_lines.resets_when(rolling, NOON_US) == ""
