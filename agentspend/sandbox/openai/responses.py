"""Rendering: an answer as a response, in one JSON body or as typed events.

Owns the wire shapes of the Responses API: what one output item looks like is `items`'.
"""

from collections.abc import Iterator
from typing import Any

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.events import Step, encode, named
from agentspend.sandbox.openai.items import Item, item_events, items_of

_ECHOED: dict[str, Any] = {
    "background": False,
    "conversation": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, with the values it has when the request is silent."""


def response_body(answer: Answer) -> bytes:
    """The whole answer as one JSON body. One told to fail in mid-answer is `failed` here."""
    behaviour = answer.behaviour
    if behaviour.error_after_events is not None:
        word = behaviour.error_type or "server_error"
        return encode(_failed(answer, word, behaviour.error_message or word))
    return encode(_ended(answer, items_of(answer)))


def stream(answer: Answer) -> Iterator[Step]:
    """The whole answer as events, in order."""
    begun = _response(answer, "in_progress")
    number = 0
    for kind in ("response.created", "response.in_progress"):
        yield Step(named(kind, {"sequence_number": number, "response": begun}), 1)
        number += 1
    items = items_of(answer)
    done = 0
    for index, item in enumerate(items):
        for kind, fields, tokens in item_events(answer, item, done):
            shown = {"sequence_number": number, "output_index": index, **fields}
            yield Step(named(kind, shown), max(1, tokens))
            number += 1
        done += item.tokens
    ended = _ended(answer, items)
    fields = {"sequence_number": number, "response": ended}
    yield Step(named(f"response.{ended['status']}", fields), answer.usage.output_tokens)


def failed_event(answer: Answer, error: ApiError) -> bytes:
    """The end of a stream that had begun with 200 and cannot go on."""
    failed = _failed(answer, error.type, error.message)
    return named("response.failed", {"sequence_number": 0, "response": failed})


def usage_json(answer: Answer) -> dict[str, Any]:
    """The `usage` object: input includes what was cached or written, output what was thought."""
    usage = answer.usage
    short, long = usage.cache_write_30m_tokens, usage.cache_write_12h_tokens
    details: dict[str, Any] = {
        "cached_tokens": usage.cache_read_input_tokens,
        "cache_write_tokens": short + long,
    }
    if long:
        split = {"ttl_30m_tokens": short, "ttl_12h_tokens": long}
        details["cache_write_tokens_details"] = split
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": details,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.thinking_tokens},
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
        **answer.behaviour.unknown_usage,
    }


def _ended(answer: Answer, items: list[Item]) -> dict[str, Any]:
    cut = answer.stop_reason in ("max_tokens", "model_context_window_exceeded", "content_filter")
    shown = _response(answer, "incomplete" if cut else "completed")
    shown["output"] = [item.shown for item in items]
    if cut:
        filtered = answer.stop_reason == "content_filter"
        reason = "content_filter" if filtered else "max_output_tokens"
        shown["incomplete_details"] = {"reason": reason}
    else:
        shown["completed_at"] = int(answer.at_s)
    if answer.behaviour.silent_on_usage == "no":
        shown["usage"] = usage_json(answer)
    return shown


def _failed(answer: Answer, code: str, message: str) -> dict[str, Any]:
    return _response(answer, "failed") | {"error": {"code": code, "message": message}}


def _response(answer: Answer, status: str) -> dict[str, Any]:
    echoed = {name: answer.body.get(name, usual) for name, usual in _ECHOED.items()}
    return {
        "id": answer.message_id,
        "object": "response",
        "created_at": int(answer.at_s),
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": answer.model,
        "output": [],
        "service_tier": answer.service_tier,
        "usage": None,
        **echoed,
    }
