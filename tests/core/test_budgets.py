"""A budget's defaults are the safe ones."""

from dataclasses import FrozenInstanceError

import pytest

from agentspend.core.budgets import BoundKind, Budget, Counts, Mode
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window


def test_a_budget_is_hard_strict_and_counts_real_dollars() -> None:
    """Nobody gets a cap that only warns, or that trusts a cache, without asking for it."""
    budget = Budget("daily", 10**9, Window.parse("day"), Scope())
    assert (budget.mode, budget.bound, budget.counts) == (
        Mode.HARD,
        BoundKind.STRICT,
        Counts.BILLED,
    )
    assert budget.warn_percents == (50, 80)


def test_a_budget_is_a_value() -> None:
    """What was adopted does not change under the account that keeps it."""
    budget = Budget("daily", 10**9, Window.parse("day"), Scope())
    with pytest.raises(FrozenInstanceError):
        budget.limit_nusd = 2  # type: ignore[misc]
    assert budget == Budget("daily", 10**9, Window.parse("day"), Scope())
