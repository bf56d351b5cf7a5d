"""Downgrades: past a share of a budget a dearer model gives way to a cheaper one. Pure.

A target must be allowed and priced like any other model; a rule whose target is not is passed over,
and the budget refuses when it is spent, as it would without the rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agentspend.core.access import forbidden
from agentspend.core.model_patterns import names_model
from agentspend.core.pricebook import PriceBook
from agentspend.core.rules import Downgrade, Rules
from agentspend.core.scopes import Payer

Standing = tuple[int, int]
"""What is spent of a budget, and its limit, in nano-USD."""


@dataclass(frozen=True, slots=True)
class Swap:
    """What became of a request: the model its agent named, the one it goes to, and by which budget
    and share of it."""

    asked: str
    to: str
    budget: str
    percent: int


def candidates(rules: Rules, payer: Payer, book: PriceBook) -> list[Downgrade]:
    """The rules that could change this payer's model, whatever its budgets say."""
    provider = payer.provider
    asked = book.find(provider, payer.model)
    found = []
    for rule in rules.downgrades:
        target = book.find(provider, rule.to)
        if target is None or asked is None or target.model == asked.model:
            continue
        if not names_model(rule.of, provider, payer.model, book):
            continue
        if forbidden(rules.models, replace(payer, model=rule.to), [rule.to], book) is None:
            found.append(rule)
    return found


def chosen(rules: Sequence[Downgrade], standings: Mapping[str, Standing]) -> Downgrade | None:
    """The rule that applies: of those whose share is spent, the one of the largest share.

    `standings` has the budgets that this payer counts in; a rule by another budget is not for it.
    """
    passed = [rule for rule in rules if rule.budget in standings and _is_past(rule, standings)]
    return max(passed, key=lambda rule: rule.percent, default=None)


def _is_past(rule: Downgrade, standings: Mapping[str, Standing]) -> bool:
    spent_nusd, limit_nusd = standings[rule.budget]
    return spent_nusd * 100 >= limit_nusd * rule.percent
