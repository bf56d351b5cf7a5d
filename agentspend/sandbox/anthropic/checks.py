"""What Anthropic refuses before any work: requests the real API answers with an error.

Only what matters to money or to a client's next step is checked. Nothing refused is billed.
"""

from collections.abc import Mapping
from typing import Any

from agentspend.sandbox.anthropic.prices import find
from agentspend.sandbox.checks import ApiError


def check(body: Mapping[str, Any]) -> ApiError | None:
    """Refuse what the real API refuses, where it matters to money."""
    problem = check_shape(body)
    if problem is not None:
        return problem
    model = str(body["model"])
    limit = body.get("max_tokens")
    if limit is None:
        return invalid("max_tokens: Field required")
    if isinstance(limit, bool) or not isinstance(limit, int):
        return invalid("max_tokens: Input should be a valid integer")
    if limit < 1:
        return invalid("max_tokens: must be greater than or equal to 1")
    card = find(model)
    if card is None:
        return no_model(model)
    if limit > card.max_output:
        return invalid(
            f"max_tokens: {limit} > {card.max_output}, which is the maximum allowed number of "
            f"output tokens for {model}"
        )
    return _check_thinking(body.get("thinking"), limit)


def check_shape(body: Mapping[str, Any]) -> ApiError | None:
    """What counting and answering both need."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        return invalid("model: Field required")
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(turn, dict) for turn in messages):
        return invalid("messages: Field required")
    if not messages:
        return invalid("messages: at least one message is required")
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        return invalid("tools: Input should be a valid list")
    return None


def _check_thinking(thinking: object, limit: int) -> ApiError | None:
    if not isinstance(thinking, dict) or thinking.get("type") != "enabled":
        return None
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < 1_024:
        return invalid("thinking.enabled.budget_tokens: Input should be at least 1024")
    if budget >= limit:
        return invalid("`max_tokens` must be greater than `thinking.budget_tokens`")
    return None


def invalid(message: str) -> ApiError:
    """A 400 in the API's words."""
    return ApiError(400, "invalid_request_error", message)


def no_model(model: object) -> ApiError:
    """A model this provider does not have."""
    return ApiError(404, "not_found_error", f"model: {model}")
