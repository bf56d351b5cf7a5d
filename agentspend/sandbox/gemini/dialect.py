"""The Gemini API as the server offers it."""

from typing import Any

from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.dialect import Dialect
from agentspend.sandbox.events import encode
from agentspend.sandbox.gemini import chunks, model
from agentspend.sandbox.gemini.prices import CARDS, ModelCard, find

ERROR_TYPES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_NO_KEY = "Method doesn't allow unregistered callers (callers without established identity)."


def _error_body(error: ApiError, _: str) -> bytes:
    return encode({"error": chunks.error_json(error)})


def _models() -> dict[str, Any]:
    return {"models": [_model_json(card) for card in CARDS.values()]}


def _model(name: str) -> dict[str, Any] | None:
    card = find(name)
    return _model_json(card) if card else None


def _model_json(card: ModelCard) -> dict[str, Any]:
    return {
        "name": f"models/{card.name}",
        "version": "sandbox",
        "displayName": card.name,
        "inputTokenLimit": card.context_window,
        "outputTokenLimit": card.max_output,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


GEMINI = Dialect(
    name="gemini",
    key_headers=("x-goog-api-key",),
    request_id_header="",
    no_credential=ApiError(403, "PERMISSION_DENIED", _NO_KEY),
    overloaded=ApiError(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    error_types=ERROR_TYPES,
    error_body=_error_body,
    answer=model.answer,
    count=model.count,
    counted=lambda tokens: {"totalTokens": tokens},
    whole=chunks.response_body,
    stream=chunks.stream,
    broken=chunks.error_chunk,
    models=_models,
    model=_model,
    drains=True,
)
