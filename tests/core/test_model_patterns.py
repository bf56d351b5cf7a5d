"""A pattern names models by the id of their price, in whatever spelling they are sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.model_patterns import may_name, names_model, priced_id
from agentspend.core.price_overrides import read_overrides
from agentspend.core.scopes import Payer, Scope, same_text
from agentspend.prices import load_book

BOOK = load_book(read_overrides(aliases={"prod-opus": "anthropic/claude-opus-5"}))
MODELS = BOOK.models("anthropic")
RESPELL = st.sampled_from(["{}", "anthropic/{}", "{}[1m]", "{}@20991231", "{}-20991231"])


@pytest.mark.parametrize(
    ("pattern", "provider", "model", "certain", "perhaps"),
    [
        ("claude-haiku-4-5", "anthropic", "claude-haiku-4-5-20251001", True, True),
        ("claude-haiku-4-5-20251001", "anthropic", "claude-haiku-4-5", True, True),
        ("claude-sonnet-4-20250514", "anthropic", "claude-sonnet-4-0", True, True),
        ("anthropic/claude-opus-5", "anthropic", "claude-opus-5", True, True),
        ("prod-opus", "anthropic", "claude-opus-5[1m]", True, True),
        ("claude-opus-5", "anthropic", "prod-opus", True, True),
        ("claude-opus-*", "anthropic", "prod-opus", True, True),
        ("gpt-4o-2024-05-13", "openai", "gpt-4o", False, False),
        ("claude-opus-5", "openai", "gpt-6-sol", False, False),
        ("openai/*", "anthropic", "claude-opus-5", False, False),
        ("prod-*", "anthropic", "prod-opus", False, True),
        ("nobody's", "anthropic", "nobody's", True, True),
    ],
)
def test_which_models_a_pattern_names(
    pattern: str, provider: str, model: str, *, certain: bool, perhaps: bool
) -> None:
    """What allows must be certain; what tightens may also look like the name that was sent."""
    assert names_model(pattern, provider, model, BOOK) is certain
    assert may_name(BOOK)(pattern, provider, model) is perhaps


@given(st.sampled_from(MODELS), RESPELL, st.sampled_from(MODELS), RESPELL)
def test_no_spelling_leaves_a_scope(one: str, spell: str, other: str, respell: str) -> None:
    """A scope for a model counts what is priced as that model, and nothing else."""
    named, sent = spell.format(one), respell.format(other)
    scope, payer = Scope.of({"model": named}), Payer(provider="anthropic", model=sent)
    same = priced_id("anthropic", named, BOOK) == priced_id("anthropic", sent, BOOK)
    assert scope.matches(payer, may_name(BOOK)) is same


@given(st.sampled_from(MODELS), st.sampled_from(["claude-*", "*opus*", "claude-?pus-5", "*[1m]"]))
def test_prices_only_add_to_what_the_text_says(model: str, pattern: str) -> None:
    """A pattern that fits the name as sent still fits it."""
    fits = same_text(pattern, "anthropic", f"{model}[1m]")
    assert may_name(BOOK)(pattern, "anthropic", f"{model}[1m]") or not fits
