"""Downgrades: past a share of a budget, to a model that may be used, never round in a circle."""

import pytest

from agentspend.core.downgrades import candidates, chosen
from agentspend.core.rules import Downgrade, ModelRule, Rules
from agentspend.core.scopes import Payer
from agentspend.prices import load_book

BOOK = load_book()
OPUS = Payer(agent="claude", provider="anthropic", model="claude-opus-5")
RULE = Downgrade("daily", "claude-opus-*", "claude-haiku-5-5", 80)


def ready(*rules: Downgrade, models: tuple[ModelRule, ...] = (), payer: Payer = OPUS) -> int:
    """How many of these rules could change this payer's model."""
    return len(candidates(Rules(models=models, downgrades=rules), payer, BOOK))


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-opus-5[1m]", "claude-opus-5-5"])
def test_a_rule_is_for_the_models_its_pattern_means(model: str) -> None:
    """In every spelling."""
    assert ready(RULE, payer=Payer(provider="anthropic", model=model)) == 1


def test_a_rule_is_for_no_other() -> None:
    """Another model, one of another provider, and the target itself."""
    for provider, model in (("anthropic", "claude-sonnet-5"), ("openai", "gpt-6.1-sol"),
                            ("anthropic", "claude-haiku-5-5")):  # fmt: skip
        assert ready(RULE, payer=Payer(provider=provider, model=model)) == 0
    same = Downgrade("daily", "*", "claude-opus-5")
    assert ready(same) == 0


def test_a_target_must_be_priced_and_allowed() -> None:
    """Else the rule is passed over: no request goes to a model that is refused."""
    assert ready(Downgrade("daily", "claude-opus-*", "claude-nobody")) == 0
    assert ready(RULE, models=(ModelRule(deny=("*haiku*",)),)) == 0
    assert ready(RULE, models=(ModelRule(allow=("*haiku*",)),)) == 1


@pytest.mark.parametrize(
    ("spent", "expected"), [(0, None), (79, None), (80, 80), (94, 80), (95, 95), (130, 95)]
)
def test_the_share_that_is_spent_decides(spent: int, expected: int | None) -> None:
    """Of several rules that are past, the one of the largest share."""
    further = Downgrade("daily", "claude-opus-*", "claude-sonnet-5", 95)
    found = chosen([further, RULE], {"daily": (spent, 100)})
    assert (found.percent if found else None) == expected


def test_a_budget_that_the_payer_does_not_count_in_changes_nothing() -> None:
    """It has no standing for it."""
    assert chosen([RULE], {}) is None
    assert chosen([RULE], {"weekly": (100, 100)}) is None
