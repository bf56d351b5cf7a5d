"""What Anthropic refuses before any work."""

from typing import Any

import pytest

from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.model import answer
from tests.sandbox.conftest import body


@pytest.mark.parametrize(
    ("changes", "status", "kind", "words"),
    [
        ({"max_tokens": None}, 400, "invalid_request_error", "max_tokens: Field required"),
        ({"max_tokens": "9"}, 400, "invalid_request_error", "valid integer"),
        ({"max_tokens": 0}, 400, "invalid_request_error", "greater than or equal to 1"),
        ({"max_tokens": 128_001}, 400, "invalid_request_error", "128001 > 128000"),
        ({"model": None}, 400, "invalid_request_error", "model: Field required"),
        ({"model": "claude-opus-77"}, 404, "not_found_error", "model: claude-opus-77"),
        ({"messages": None}, 400, "invalid_request_error", "messages: Field required"),
        ({"messages": []}, 400, "invalid_request_error", "at least one message"),
        ({"messages": ["hi"]}, 400, "invalid_request_error", "messages"),
        ({"tools": "all"}, 400, "invalid_request_error", "tools"),
        ({"speed": "fast", "model": "claude-sonnet-5"}, 400, "invalid_request_error", "speed"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 4_000}},
            400,
            "invalid_request_error",
            "greater than `thinking.budget_tokens`",
        ),
    ],
)
def test_what_the_provider_refuses(
    changes: dict[str, Any], status: int, kind: str, words: str
) -> None:
    """A request the real API refuses is an error, with its type and message."""
    found = answer(body(**changes))
    assert isinstance(found, ApiError)
    assert (found.status, found.type) == (status, kind)
    assert words in found.message
