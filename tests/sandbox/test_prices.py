"""The price lists under one roof."""

from agentspend.sandbox.prices import CARDS, GEMINI_CARDS, OPENAI_CARDS


def test_no_model_is_in_two_lists() -> None:
    """A name belongs to one vendor."""
    names = [*CARDS, *OPENAI_CARDS, *GEMINI_CARDS]
    assert len(names) == len(set(names))
