"""What OpenAI refuses before any work: requests the real API answers with an error.

Only what matters to money or to a client's next step is checked. Nothing refused is billed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from agentspend.sandbox.checks import ApiError, dicts, dig, is_count
from agentspend.sandbox.openai.prices import ModelCard, find

MAX_CHOICES = 128
_TIERS = {"auto": "default", "default": "default", "scale": "default", "fast": "priority"}
_PAID_TIERS = ("flex", "priority", "ultrafast")


def check_chat(body: Mapping[str, Any]) -> ApiError | None:
    """Refuse what Chat Completions refuses."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(turn, dict) for turn in messages):
        return missing("messages")
    if not messages:
        return invalid("[] is too short - 'messages'", "messages")
    for turn in messages:
        if not isinstance(turn.get("role"), str):
            return missing("messages[].role")
    problem = _check_common(body)
    if problem is not None:
        return problem
    count = body.get("n")
    if count is not None and (not is_count(count) or not 1 <= count <= MAX_CHOICES):
        return invalid(f"Invalid 'n': expected an integer from 1 to {MAX_CHOICES}", "n")
    options = body.get("stream_options")
    if options is not None and body.get("stream") is not True:
        words = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return invalid(words, "stream_options")
    if options is not None and not isinstance(options, dict):
        return invalid("Invalid type for 'stream_options'", "stream_options")
    card = _card(body)
    if card.reasons and body.get("max_tokens") is not None:
        words = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead."
        )
        return invalid(words, "max_tokens", "unsupported_parameter")
    return _check_limit(body, "max_completion_tokens", 1) or _check_limit(body, "max_tokens", 1)


def check_responses(body: Mapping[str, Any], *, dictated: bool) -> ApiError | None:
    """Refuse what the Responses API refuses. Earlier responses are not kept: one can be named
    only where a behaviour dictates the usage."""
    given = body.get("input")
    if not isinstance(given, str | list):
        return missing("input")
    if isinstance(given, list) and not all(isinstance(item, dict) for item in given):
        return invalid("Invalid type for 'input': expected a list of objects", "input")
    earlier = body.get("previous_response_id") or body.get("conversation")
    if earlier and not dictated:
        words = f"Previous response with id '{earlier}' not found."
        return invalid(words, "previous_response_id", "previous_response_not_found")
    if body.get("background") is True:
        return invalid("Background responses are not available here.", "background")
    return _check_common(body) or _check_limit(body, "max_output_tokens", 16)


def tier_of(body: Mapping[str, Any]) -> str:
    """The service tier a checked request is served at."""
    asked = body.get("service_tier") or "auto"
    return _TIERS.get(asked, asked)


def declared(body: Mapping[str, Any]) -> dict[str, tuple[bool, str]]:
    """The tools a request offers, by name: whether it takes plain text, and its namespace."""
    given = [*dicts(body.get("tools"))]
    for item in dicts(body.get("input")):
        if item.get("type") == "additional_tools":
            given += dicts(item.get("tools"))
    return dict(_tools(given, ""))


def _tools(given: list[dict[str, Any]], space: str) -> Iterator[tuple[str, tuple[bool, str]]]:
    for tool in given:
        if tool.get("type") == "namespace":
            yield from _tools(dicts(tool.get("tools")), str(tool.get("name", "")))
            continue
        name = tool.get("name") or dig(tool, "function", "name") or dig(tool, "custom", "name")
        if isinstance(name, str):
            yield name, (tool.get("type") == "custom", space)


def _check_common(body: Mapping[str, Any]) -> ApiError | None:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        return missing("model")
    card = find(model)
    if card is None:
        words = f"The model `{model}` does not exist or you do not have access to it."
        return ApiError(404, "invalid_request_error", words, code="model_not_found", param="model")
    tools = body.get("tools")
    if tools is not None and len(dicts(tools)) != len(tools if isinstance(tools, list) else "?"):
        return invalid("Invalid type for 'tools': expected a list of objects", "tools")
    tier = body.get("service_tier")
    if tier is not None and not isinstance(tier, str):
        return invalid("Invalid type for 'service_tier'", "service_tier")
    if tier and tier not in _TIERS and tier not in _PAID_TIERS:
        return invalid(f"Invalid value: '{tier}'.", "service_tier", "invalid_value")
    if tier_of(body) not in card.tiers:
        return invalid(f"{tier} is not available for {model}.", "service_tier")
    return None


def _check_limit(body: Mapping[str, Any], name: str, low: int) -> ApiError | None:
    limit = body.get(name)
    if limit is None:
        return None
    if not is_count(limit):
        return invalid(f"Invalid type for '{name}': expected an integer", name, "invalid_type")
    if limit < low:
        words = f"Invalid '{name}': integer below minimum value, expected >= {low}."
        return invalid(words, name, "integer_below_min_value")
    most = _card(body).max_output
    if limit > most:
        words = f"{name} is too large: {limit}. This model supports at most {most} output tokens."
        return invalid(words, name)
    return None


def _card(body: Mapping[str, Any]) -> ModelCard:
    card = find(str(body["model"]))
    assert card is not None, "unknown models are refused first"
    return card


def missing(name: str) -> ApiError:
    """A 400 for a parameter that is not there or not of its type."""
    return invalid(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """A 400 in the API's words."""
    return ApiError(400, "invalid_request_error", message, code=code, param=param)
