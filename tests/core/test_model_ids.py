"""Which other spellings of a model are the same model."""

import pytest

from agentspend.core.pricebook import PriceBook
from agentspend.prices import load_table

BOOK = PriceBook(load_table())


@pytest.mark.parametrize(
    ("provider", "model", "canonical"),
    [
        ("anthropic", "claude-opus-5-5", "claude-opus-5-5"),
        ("anthropic", "claude-opus-5-5[1m]", "claude-opus-5-5"),
        ("anthropic", "claude-opus-5-5[1M]", "claude-opus-5-5"),
        ("anthropic", "anthropic/claude-opus-5-5", "claude-opus-5-5"),
        ("anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4-0"),
        ("anthropic", "claude-opus-4-20250514", "claude-opus-4-0"),
        ("anthropic", "claude-sonnet-4-5-20250929[1m]", "claude-sonnet-4-5"),
        ("anthropic", "claude-3-5-haiku-20241022", "claude-3-5-haiku-latest"),
        ("anthropic", "claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("anthropic", "claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("anthropic", "claude-2.1", "claude-2"),
        ("google", "publishers/anthropic/models/claude-opus-5@default", "claude-opus-5"),
        ("google", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("openai", "gpt-4.1-2025-04-14", "gpt-4.1"),
        ("aws", "us.anthropic.claude-opus-4-6-v1", "regional.anthropic.claude-opus-4-6-v1:0"),
        ("aws", "global.anthropic.claude-opus-5", "global.anthropic.claude-opus-5"),
        ("aws", "ca.anthropic.claude-opus-5", "regional.anthropic.claude-opus-5"),
        (
            "aws",
            "arn:aws:bedrock:us-east-1:1234:inference-profile/us.anthropic.claude-opus-5",
            "regional.anthropic.claude-opus-5",
        ),
    ],
)
def test_spellings_that_cannot_change_the_price(provider: str, model: str, canonical: str) -> None:
    """A date, a version, a path or Claude Code's long-context mark leads to the same price."""
    found = BOOK.find(provider, model)
    assert found is not None
    assert found.model == canonical


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-opus-77"),
        ("anthropic", "claude-sonnet-4-5-fake-thing"),
        ("anthropic", "claude-opus-5-5-preview"),
        ("anthropic", "claude-opus-5-5-20269999"),
        ("anthropic", "claude-opus-5-5-v1"),
        ("anthropic", "claude-sonnet-4-2025"),
        ("anthropic", "openai/claude-opus-5-5"),
        ("anthropic", "claude"),
        ("anthropic", "claude-mythos-preview"),
        ("anthropic", "gpt-5"),
        ("anthropic", ""),
        ("anthropic", "[1m]"),
        ("nobody", "claude-opus-5-5"),
        ("openai", "gpt-99-codex"),
    ],
)
def test_a_name_that_only_looks_like_a_model_is_unknown(provider: str, model: str) -> None:
    """Similar is not the same: nothing is matched by its beginning."""
    assert BOOK.find(provider, model) is None


def test_nearest_names_help_with_a_typing_error() -> None:
    """The refusal of an unknown model can say what was probably meant."""
    assert BOOK.nearest("anthropic", "claude-opus-55")[0] == "claude-opus-5-5"
    assert BOOK.nearest("nobody", "claude-opus-5-5") == []
