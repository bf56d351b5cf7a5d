"""Chat Completions and the Responses API as the server offers them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agentspend.sandbox.behaviour import Behaviour, counted
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.dialect import Dialect
from agentspend.sandbox.events import encode
from agentspend.sandbox.openai import chat, model, responses
from agentspend.sandbox.openai.checks import check_chat
from agentspend.sandbox.openai.prices import CARDS, find
from agentspend.sandbox.openai.tokens import count_prompt

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "service_unavailable_error",
}
_NO_KEY = "Missing bearer or basic authentication in header"


def _error_body(error: ApiError, _: str) -> bytes:
    return encode({"error": chat.error_json(error)})


def _count_chat(body: Mapping[str, Any], behaviour: Behaviour) -> int | ApiError:
    """OpenAI has no such call for chat; tests ask what a prompt counts."""
    problem = check_chat(body)
    if problem is not None:
        return problem
    rule = model.rule_for(behaviour)
    return counted(count_prompt(body, rule), behaviour.count_off_tokens)


def _models() -> dict[str, Any]:
    return {"object": "list", "data": [_model_json(name) for name in CARDS]}


def _model(name: str) -> dict[str, Any] | None:
    return _model_json(name) if find(name) else None


def _model_json(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "openai"}


CHAT = Dialect(
    name="openai-chat",
    key_headers=(),
    request_id_header="x-request-id",
    no_credential=ApiError(401, "invalid_request_error", _NO_KEY, code="invalid_api_key"),
    overloaded=ApiError(503, "server_error", "The server had an error. Sorry about that!"),
    error_types=ERROR_TYPES,
    error_body=_error_body,
    answer=model.answer_chat,
    count=_count_chat,
    counted=lambda tokens: {"object": "response.input_tokens", "input_tokens": tokens},
    whole=chat.completion_body,
    stream=chat.stream,
    broken=chat.error_chunk,
    models=_models,
    model=_model,
)

RESPONSES = replace(
    CHAT,
    name="openai-responses",
    answer=model.answer_responses,
    count=model.count_responses,
    whole=responses.response_body,
    stream=responses.stream,
    broken=responses.failed_event,
)
