"""Rendering: an answer as a chat completion, in one JSON body or in chunks.

Owns the wire shapes of Chat Completions. Usage comes in a stream only when asked for with
`stream_options.include_usage`, in one last chunk without choices; every chunk before has a null.
"""

from collections.abc import Iterator
from typing import Any

from agentspend.sandbox.answer import Answer, Choice
from agentspend.sandbox.checks import ApiError, dig
from agentspend.sandbox.content import Block
from agentspend.sandbox.events import Step, encode, pieces, unnamed

DONE = b"data: [DONE]\n\n"
_FINISH = {
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "stop",
    "model_context_window_exceeded": "length",
}


def completion_body(answer: Answer) -> bytes:
    """The whole answer as one JSON body."""
    shown = _head(answer, "chat.completion")
    shown["choices"] = [
        {
            "index": index,
            "message": _message(choice),
            "logprobs": None,
            "finish_reason": finish_reason(choice),
        }
        for index, choice in enumerate(answer.choices)
    ]
    if answer.behaviour.silent_on_usage == "no":
        shown["usage"] = usage_json(answer)
    return encode(shown)


def stream(answer: Answer) -> Iterator[Step]:
    """The whole answer as chunks, in order; alternatives one after the other."""
    done = 0
    for index, choice in enumerate(answer.choices):
        first = max(1, done + choice.thinking_tokens)
        opening = {"role": "assistant", "content": "", "refusal": None}
        yield Step(_chunk(answer, index, opening), first)
        yield from _deltas(answer, index, choice, done)
        done += choice.tokens
        yield Step(_chunk(answer, index, {}, finish_reason(choice)), max(1, done))
    if _wants_usage(answer) and answer.behaviour.silent_on_usage == "no":
        last = _head(answer, "chat.completion.chunk")
        yield Step(unnamed({**last, "choices": [], "usage": usage_json(answer)}), done)
    yield Step(DONE, done)


def error_chunk(_: Answer, error: ApiError) -> bytes:
    """An error inside a stream that had begun with 200."""
    return unnamed({"error": error_json(error)})


def error_json(error: ApiError) -> dict[str, Any]:
    """The error object of both OpenAI shapes."""
    return {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }


def finish_reason(choice: Choice) -> str:
    """Why a choice ended, in this API's words."""
    return _FINISH.get(choice.stop_reason, choice.stop_reason)


def usage_json(answer: Answer) -> dict[str, Any]:
    """The `usage` object: the prompt includes what was cached, the completion what was thought."""
    usage, said = answer.usage, sum(choice.tokens for choice in answer.choices)
    details = {"cached_tokens": usage.cache_read_input_tokens, "audio_tokens": 0}
    written = usage.cache_write_30m_tokens + usage.cache_write_12h_tokens
    if written:
        details["cache_write_tokens"] = written
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": answer.thinking_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": usage.output_tokens - said,
        },
        **answer.behaviour.unknown_usage,
    }


def call_id(block: Block) -> str:
    """A tool call's id, as both OpenAI shapes have it."""
    return "call_" + block.ident.removeprefix("toolu_")


def _wants_usage(answer: Answer) -> bool:
    return dig(answer.body, "stream_options", "include_usage") is True


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    return {
        "id": answer.message_id,
        "object": kind,
        "created": int(answer.at_s),
        "model": answer.model,
        "service_tier": answer.service_tier,
        "system_fingerprint": "fp_sandbox",
    }


def _chunk(answer: Answer, index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
    shown = _head(answer, "chat.completion.chunk")
    shown["choices"] = [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]
    if _wants_usage(answer):
        shown["usage"] = None
    return unnamed(shown)


def _deltas(answer: Answer, index: int, choice: Choice, done: int) -> Iterator[Step]:
    """The words in pieces. Thinking has none: its tokens pass without a byte."""
    calls = 0
    for block in choice.blocks:
        if block.kind in ("tool_use", "custom_tool"):
            opened = {"index": calls, **_call(block, "")}
            yield Step(_chunk(answer, index, {"tool_calls": [opened]}), max(1, done))
            for words, tokens in pieces(answer.behaviour.deltas, block, done):
                part = {"index": calls, **_part(block, words)}
                yield Step(_chunk(answer, index, {"tool_calls": [part]}), max(1, tokens))
            calls += 1
        elif block.kind != "thinking":
            name = "refusal" if block.kind == "refusal" else "content"
            for words, tokens in pieces(answer.behaviour.deltas, block, done):
                yield Step(_chunk(answer, index, {name: words}), max(1, tokens))
        done += block.tokens


def _message(choice: Choice) -> dict[str, Any]:
    said = [block.text for block in choice.blocks if block.kind == "text"]
    refused = [block.text for block in choice.blocks if block.kind == "refusal"]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(said) if said else None,
        "refusal": "".join(refused) if refused else None,
        "annotations": [],
    }
    if choice.calls():
        message["tool_calls"] = [_call(block, block.text) for block in choice.calls()]
    return message


def _call(block: Block, given: str) -> dict[str, Any]:
    if block.kind == "custom_tool":
        inner = {"name": block.name, "input": given}
        return {"id": call_id(block), "type": "custom", "custom": inner}
    inner = {"name": block.name, "arguments": given}
    return {"id": call_id(block), "type": "function", "function": inner}


def _part(block: Block, words: str) -> dict[str, Any]:
    return (
        {"custom": {"input": words}}
        if block.kind == "custom_tool"
        else {"function": {"arguments": words}}
    )
