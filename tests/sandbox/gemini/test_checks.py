"""What Google refuses before any work."""

from typing import Any

import pytest

from agentspend.sandbox.behaviour import Behaviour, PromptUsage
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.gemini.dialect import GEMINI
from agentspend.sandbox.model import answer
from tests.sandbox.conftest import content


@pytest.mark.parametrize(
    ("changes", "status", "kind", "words"),
    [
        ({"model": "gemini-99"}, 404, "NOT_FOUND", "models/gemini-99 is not found"),
        ({"contents": None}, 400, "INVALID_ARGUMENT", "contents"),
        ({"contents": []}, 400, "INVALID_ARGUMENT", "contents is not specified"),
        ({"contents": ["hi"]}, 400, "INVALID_ARGUMENT", "contents"),
        ({"generationConfig": [1]}, 400, "INVALID_ARGUMENT", "generation_config"),
        ({"generationConfig": {"maxOutputTokens": 65_537}}, 400, "INVALID_ARGUMENT", "65537"),
        ({"generationConfig": {"candidateCount": 0}}, 400, "INVALID_ARGUMENT", "candidate"),
        ({"serviceTier": "warp"}, 400, "INVALID_ARGUMENT", "warp"),
        ({"cachedContent": "cachedContents/1"}, 403, "PERMISSION_DENIED", "CachedContent"),
    ],
)
def test_what_google_refuses(changes: dict[str, Any], status: int, kind: str, words: str) -> None:
    """A request the real API refuses is an error, with its status and message."""
    found = answer(content(**changes), dialect=GEMINI)
    assert isinstance(found, ApiError)
    assert (found.status, found.type) == (status, kind)
    assert words in found.message


def test_an_explicit_cache_may_be_named_where_usage_is_dictated() -> None:
    """Then no one needs to know what is in it."""
    how = Behaviour(usage=PromptUsage(10, 9_000))
    found = answer(content(cachedContent="cachedContents/1"), how, dialect=GEMINI)
    assert not isinstance(found, ApiError)


def test_a_prompt_longer_than_the_window_is_refused() -> None:
    """With both counts in the message."""
    long = [{"role": "user", "parts": [{"text": "x" * 5_000_000}]}]
    found = answer(content(contents=long), dialect=GEMINI)
    assert isinstance(found, ApiError)
    assert "exceeds the maximum number of tokens allowed (1000000)" in found.message
