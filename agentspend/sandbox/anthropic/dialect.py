"""The Messages API as the server offers it."""

from typing import Any

from agentspend.sandbox.anthropic import events, model
from agentspend.sandbox.anthropic.prices import CARDS, find
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.dialect import Dialect


def _models() -> dict[str, Any]:
    return {"data": [_model_json(name) for name in CARDS], "has_more": False}


def _model(name: str) -> dict[str, Any] | None:
    return _model_json(name) if find(name) else None


def _model_json(name: str) -> dict[str, Any]:
    created = "2026-01-01T00:00:00Z"
    return {"type": "model", "id": name, "display_name": name, "created_at": created}


MESSAGES = Dialect(
    name="anthropic",
    key_headers=("x-api-key",),
    request_id_header="request-id",
    no_credential=ApiError(401, "authentication_error", "x-api-key header is required"),
    overloaded=ApiError(529, "overloaded_error", "Overloaded"),
    error_types=events.ERROR_TYPES,
    error_body=events.error_body,
    answer=model.answer,
    count=model.count,
    counted=lambda tokens: {"input_tokens": tokens},
    whole=events.message_body,
    stream=events.stream,
    broken=events.error_event,
    models=_models,
    model=_model,
)
