"""Budgets in words: which apply to a session, what is left, when they reset."""

import pytest

from agentspend.cli import budget_lines
from agentspend.core.scopes import Payer

NOON_US = 1_795_608_000_000_000
LINE = {"name": "daily", "scope": "everything", "window": "day", "mode": "hard",
        "session": "", "limit_nusd": 10**10, "free_nusd": 10**9,
        "resets_at": "2026-11-26T00:00:00+00:00"}  # fmt: skip
CAP = {**LINE, "name": "team:org", "limit_nusd": 10**9, "free_nusd": 25 * 10**7,
       "cap_nusd": 20 * 10**9, "is_whole": False}  # fmt: skip
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


def test_an_allowance_that_grows_is_not_the_tightest_budget() -> None:
    """What lies here of a team's cap is no measure of what is left of it; whole, it is."""
    assert budget_lines.tightest([CAP, LINE]) is LINE
    whole = {**CAP, "is_whole": True}
    assert budget_lines.tightest([whole, LINE]) is whole


def test_what_is_left_in_words() -> None:
    """Free of limit, per window; a total has no window."""
    assert budget_lines.left_text(LINE) == "daily $1.00 of $10.00 free per day"
    assert budget_lines.left_text({**LINE, "window": "total"}) == "daily $1.00 of $10.00 free"
    assert budget_lines.left_text(CAP) == "team:org $0.25 here of the team's $20.00 per day"


def test_when_it_resets() -> None:
    """By the calendar in words; a rolling window has no such moment."""
    assert budget_lines.resets_in(LINE, NOON_US) == "12 h"
    assert budget_lines.resets_when(LINE, NOON_US) == "resets tonight 00:00 (in 12 h)"
    late = NOON_US + 86_400_000_000
    assert budget_lines.resets_in(LINE, late) == "0 s"
    rolling = {**LINE, "resets_at": None}
    assert budget_lines.resets_in(rolling, NOON_US) == "-"
    assert budget_lines.resets_when(rolling, NOON_US) == ""
