"""What Google refuses before any work: requests the real API answers with an error.

Only what matters to money or to a client's next step is checked. Nothing refused is billed.
"""

from collections.abc import Mapping
from typing import Any

from agentspend.sandbox.checks import ApiError, is_count
from agentspend.sandbox.gemini.prices import TIERS, ModelCard, find

MAX_CANDIDATES = 8


def check(body: Mapping[str, Any], *, dictated: bool = False) -> ApiError | None:
    """Refuse what the real API refuses. Explicit caches are not kept: one can be named only
    where a behaviour dictates the usage."""
    problem = check_shape(body)
    if problem is not None:
        return problem
    if body.get("cachedContent") and not dictated:
        words = "CachedContent not found (or permission denied)"
        return ApiError(403, "PERMISSION_DENIED", words)
    card = find(str(body["model"]))
    assert card is not None, "check_shape() refuses unknown models"
    config = body.get("generationConfig") or {}
    count = config.get("candidateCount")
    if count is not None and (not is_count(count) or not 1 <= count <= MAX_CANDIDATES):
        return invalid(f"Invalid value at 'generation_config.candidate_count': {count}")
    return _check_limit(config, card) or _check_tier(body, card)


def check_shape(body: Mapping[str, Any]) -> ApiError | None:
    """What counting and answering both need."""
    model = body.get("model")
    if not isinstance(model, str) or find(model) is None:
        words = (
            f"models/{model} is not found for API version v1beta, or is not supported for "
            "generateContent."
        )
        return ApiError(404, "NOT_FOUND", words)
    contents = body.get("contents")
    if not isinstance(contents, list) or not all(isinstance(turn, dict) for turn in contents):
        return invalid("Invalid value at 'contents'")
    if not contents:
        return invalid("* GenerateContentRequest.contents: contents is not specified")
    if not isinstance(body.get("generationConfig") or {}, dict):
        return invalid("Invalid value at 'generation_config'")
    return None


def tier_of(body: Mapping[str, Any]) -> str:
    """The service tier a checked request is served at."""
    return str(body.get("serviceTier") or "standard").lower()


def _check_limit(config: Mapping[str, Any], card: ModelCard) -> ApiError | None:
    limit = config.get("maxOutputTokens")
    if limit is None:
        return None
    if not is_count(limit) or not 1 <= limit <= card.max_output:
        return invalid(
            f"Unable to submit request because it has a maxOutputTokens value of {limit} but the "
            f"supported range is from 1 (inclusive) to {card.max_output + 1} (exclusive)."
        )
    return None


def _check_tier(body: Mapping[str, Any], card: ModelCard) -> ApiError | None:
    tier = tier_of(body)
    if tier not in TIERS or (tier != "standard" and not card.tiers):
        return invalid(f"Service tier {tier} is not available for {card.name}.")
    return None


def invalid(message: str) -> ApiError:
    """A 400 in the API's words."""
    return ApiError(400, "INVALID_ARGUMENT", message)
