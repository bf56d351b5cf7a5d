"""Rendering: an answer as server-sent events or as one JSON body, and errors.

Owns the wire shapes of the Messages API and nothing about prices.
"""

from collections.abc import Iterator
from typing import Any

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.content import Block
from agentspend.sandbox.events import Step, encode, named, pieces, whole_json
from agentspend.sandbox.rates import Usage

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_body(error: ApiError, request_id: str) -> bytes:
    """The body of an error answer."""
    return encode(
        {
            "type": "error",
            "error": {"type": error.type, "message": error.message},
            "request_id": request_id,
        }
    )


def error_event(_: Answer, error: ApiError) -> bytes:
    """An error inside a stream that had begun with 200."""
    return named("error", {"error": {"type": error.type, "message": error.message}})


def message_body(answer: Answer) -> bytes:
    """The whole answer as one JSON body."""
    message = _message(answer)
    message["content"] = [_block_json(block) for block in answer.blocks]
    message["stop_reason"] = answer.stop_reason
    if answer.behaviour.silent_on_usage == "no":
        message["usage"] = usage_json(answer, answer.usage, final=True)
    else:
        del message["usage"]
    return encode(message)


def stream(answer: Answer) -> Iterator[Step]:
    """The whole answer as events, in order."""
    opening = _message(answer)
    if answer.behaviour.silent_on_usage == "all":
        del opening["usage"]
    yield Step(named("message_start", {"message": opening}), 1)
    done = 0
    for index, block in enumerate(answer.blocks):
        yield Step(named("content_block_start", _opened(index, block)), max(1, done))
        if index == 0:
            yield Step(PING, max(1, done))
        yield from _deltas(answer, index, block, done)
        done += block.tokens
        yield Step(named("content_block_stop", {"index": index}), max(1, done))
    total = answer.usage.output_tokens
    closing: dict[str, Any] = {
        "delta": {"stop_reason": answer.stop_reason, "stop_sequence": None},
    }
    if answer.behaviour.silent_on_usage == "no":
        closing["usage"] = usage_json(answer, answer.usage, final=True)
    yield Step(named("message_delta", closing), total)
    yield Step(STOP, total)


def usage_json(answer: Answer, usage: Usage, *, final: bool) -> dict[str, Any]:
    """The `usage` object; the final one also has what only the end can know."""
    written = usage.ephemeral_5m_input_tokens + usage.ephemeral_1h_input_tokens
    shown: dict[str, Any] = {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read_input_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.ephemeral_5m_input_tokens,
            "ephemeral_1h_input_tokens": usage.ephemeral_1h_input_tokens,
        },
        "output_tokens": usage.output_tokens,
        "service_tier": answer.service_tier,
        "inference_geo": answer.inference_geo,
    }
    if answer.speed != "standard":
        shown["speed"] = answer.speed
    if final:
        _add_final(shown, answer)
    return shown


def _add_final(shown: dict[str, Any], answer: Answer) -> None:
    behaviour = answer.behaviour
    if answer.thinking_tokens:
        shown["output_tokens_details"] = {"thinking_tokens": answer.thinking_tokens}
    if behaviour.web_search_requests or behaviour.web_fetch_requests:
        shown["server_tool_use"] = {
            "web_search_requests": behaviour.web_search_requests,
            "web_fetch_requests": behaviour.web_fetch_requests,
        }
    if behaviour.iterations:
        shown["iterations"] = [
            _iteration(answer, index) for index in range(-1, len(behaviour.iterations))
        ]
    shown.update(behaviour.unknown_usage)


def _iteration(answer: Answer, index: int) -> dict[str, Any]:
    """Entry -1 is the message itself; the others are what the behaviour adds."""
    if index < 0:
        usage = answer.usage
        return {
            "type": "message",
            "input_tokens": usage.input_tokens,
            "cache_read_input_tokens": usage.cache_read_input_tokens,
            "cache_creation_input_tokens": usage.ephemeral_5m_input_tokens
            + usage.ephemeral_1h_input_tokens,
            "output_tokens": usage.output_tokens,
        }
    extra = answer.behaviour.iterations[index]
    shown: dict[str, Any] = {
        "type": extra.type,
        "input_tokens": extra.input_tokens,
        "cache_read_input_tokens": extra.cache_read_input_tokens,
        "cache_creation_input_tokens": extra.cache_creation_input_tokens,
        "output_tokens": extra.output_tokens,
    }
    if extra.model:
        shown["model"] = extra.model
    return shown


def _message(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.message_id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_json(answer, answer.at_start, final=False),
    }


def _block_json(block: Block) -> dict[str, Any]:
    match block.kind:
        case "thinking":
            return {"type": "thinking", "thinking": block.text, "signature": block.signature}
        case "tool_use":
            return {
                "type": "tool_use",
                "id": block.ident,
                "name": block.name,
                "input": whole_json(block.text),
            }
        case _:
            return {"type": "text", "text": block.text}


def _opened(index: int, block: Block) -> dict[str, Any]:
    match block.kind:
        case "thinking":
            opened: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
        case "tool_use":
            opened = {"type": "tool_use", "id": block.ident, "name": block.name, "input": {}}
        case _:
            opened = {"type": "text", "text": ""}
    return {"index": index, "content_block": opened}


_DELTA = {
    "text": (b"text_delta", b"text"),
    "thinking": (b"thinking_delta", b"thinking"),
    "tool_use": (b"input_json_delta", b"partial_json"),
}


def _deltas(answer: Answer, index: int, block: Block, done: int) -> Iterator[Step]:
    """The block's words in pieces. Hidden thinking has none: its tokens pass without a byte."""
    kind, field = _DELTA[block.kind]
    head = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
        b'"delta":{"type":"%b","%b":' % (index, kind, field)
    )
    for words, tokens in pieces(answer.behaviour.deltas, block, done):
        yield Step(head + encode(words) + b"}}\n\n", max(1, tokens))
    if block.signature:
        delta = {"type": "signature_delta", "signature": block.signature}
        yield Step(
            named("content_block_delta", {"index": index, "delta": delta}),
            max(1, done + block.tokens),
        )
