"""The filter language: what passes, and what cannot be read."""

import pytest

from agentspend.core.errors import AgentspendError
from agentspend.core.filters import parse_filter

CODEX = {"agent": "codex", "project": "acme/web", "model": "gpt-6.1-sol", "tag": "team=blue x"}


@pytest.mark.parametrize(
    "text",
    ["", "agent:codex", "codex", "AGENT:Codex", "model:gpt-*", ">0.10", "<5", "!refused", "est",
     "tag:team=blue", "tag:x", "acme >0.10 !agent:claude", "!model:claude*"],
)  # fmt: skip
def test_a_record_that_meets_every_term_passes(text: str) -> None:
    """Patterns, amounts, words and flags, in any case."""
    assert parse_filter(text).matches(CODEX, 200_000_000, {"est"})


@pytest.mark.parametrize(
    "text", ["agent:code", "model:claude*", ">0.20", "<0.2", "refused", "!codex", "codex claude"]
)
def test_one_term_that_fails_is_enough(text: str) -> None:
    """Amounts are strict; patterns match whole values."""
    assert not parse_filter(text).matches(CODEX, 200_000_000, {"est"})


@pytest.mark.parametrize("text", ["colour:red", "agent:", "!", ">much", "<"])
def test_a_term_that_cannot_be_read_is_said(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(AgentspendError):
        parse_filter(text)
