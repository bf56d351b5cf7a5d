"""`[[budgets]]` of a file, checked: of the configuration's and of a repository's alike."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from agentspend.config.placing import Placing
from agentspend.config.shape import BudgetSection
from agentspend.core.budgets import BoundKind, Budget, Counts, Mode
from agentspend.core.errors import AgentspendError
from agentspend.core.money import parse_usd
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window

T = TypeVar("T")
_BUDGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def read_budgets(items: Sequence[BudgetSection], placing: Placing) -> tuple[Budget, ...]:
    """Every budget of a file, in its order. Raises `ConfigError`, also for a name given twice."""
    budgets = tuple(_budget(number, item, placing) for number, item in enumerate(items))
    for number, budget in enumerate(budgets):
        if any(other.name == budget.name for other in budgets[:number]):
            raise placing.error(("budgets", number, "name"), f"{budget.name!r} stands twice",
                                "give each budget a name of its own")  # fmt: skip
    return budgets


def check_budget_name(name: str) -> None:
    """Refuse a name that could not be typed after `budget raise`, or shown on one line."""
    if not _BUDGET_NAME.fullmatch(name):
        raise AgentspendError(
            f"{name!r} is not a name for a budget", "use letters, digits, - _ and ., at most 64"
        )


def _budget(number: int, item: BudgetSection, placing: Placing) -> Budget:
    def at(name: str, work: Callable[[], T]) -> T:
        return placing.at(("budgets", number, name), work)

    at("name", lambda: check_budget_name(item.name))
    if not all(0 < percent <= 100 for percent in item.warn_percents):
        raise placing.error(("budgets", number, "warn_percents"), "lie between 1 and 100",
                            "warn_percents = [50, 80]")  # fmt: skip
    return Budget(
        name=item.name,
        limit_nusd=at("limit", lambda: parse_usd(item.limit)),
        window=at("window", lambda: Window.parse(item.window)),
        scope=at("scope", lambda: Scope.of(item.scope)),
        mode=Mode(item.mode),
        bound=BoundKind(item.bound),
        counts=Counts(item.counts),
        warn_percents=tuple(sorted(set(item.warn_percents))),
    )
