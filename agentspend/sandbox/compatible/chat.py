"""Rendering: OpenAI's chat completion with what one server does differently to it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.compatible.model import wants_usage
from agentspend.sandbox.compatible.servers import Server
from agentspend.sandbox.events import Step, encode, unnamed
from agentspend.sandbox.openai import chat

_decode = msgspec.json.decode
_GROQ_TIMES = {"queue_time": 0.018, "prompt_time": 0.004, "completion_time": 0.2, "total_time": 0.2}


def whole(server: Server) -> Callable[[Answer], bytes]:
    """How this server writes an answer as one JSON body."""

    def body(answer: Answer) -> bytes:
        shown = _decode(chat.completion_body(answer))
        if "usage" in shown:
            shown["usage"] = usage_of(server, answer, answer.usage.output_tokens)
        return encode(shown)

    return body


def stream(server: Server) -> Callable[[Answer], Iterator[Step]]:
    """How this server writes an answer as chunks."""

    def chunks(answer: Answer) -> Iterator[Step]:
        told = answer.behaviour.silent_on_usage == "no"
        if server.opens_empty:
            opening = {"choices": [], "created": 0, "id": "", "model": "", "object": "",
                       "prompt_filter_results": [{"prompt_index": 0}]}  # fmt: skip
            yield Step(unnamed(opening), 1)
        plain = replace(answer, body={**answer.body, "stream_options": None})
        for step in chat.stream(plain):
            if step.data == chat.DONE:
                break
            yield Step(unnamed(_chunk(server, answer, _decode(step.data[6:]), step)), step.tokens)
        total = answer.usage.output_tokens
        if told and server.asked and wants_usage(answer.body):
            last = _decode(step_head(answer))
            usage = usage_of(server, answer, total)
            yield Step(unnamed({**last, "choices": [], "usage": usage}), total)
        yield Step(chat.DONE, total)

    return chunks


def _chunk(server: Server, answer: Answer, chunk: dict[str, Any], step: Step) -> dict[str, Any]:
    """One chunk with the usage where this server puts it."""
    choice = chunk["choices"][0]
    ends = choice["finish_reason"] is not None and choice["index"] == len(answer.choices) - 1
    if answer.behaviour.silent_on_usage != "no":
        return chunk
    if server.every and wants_usage(answer.body):
        chunk["usage"] = usage_of(server, answer, step.tokens)
    elif ends and not server.asked:
        chunk["usage"] = usage_of(server, answer, answer.usage.output_tokens)
    elif wants_usage(answer.body) and not server.refuses_options:
        chunk["usage"] = None
    if ends and server.twice:
        choice["usage"] = usage_of(server, answer, answer.usage.output_tokens)
    if ends and server.name == "groq":
        usage = usage_of(server, answer, answer.usage.output_tokens)
        chunk["x_groq"] = {"id": answer.request_id, "usage": usage}
    return chunk


def step_head(answer: Answer) -> bytes:
    """The fields that every chunk of an answer has."""
    first = next(iter(chat.stream(answer))).data[6:]
    head = _decode(first)
    del head["choices"]
    head.pop("usage", None)
    return encode(head)


def usage_of(server: Server, answer: Answer, output_tokens: int) -> dict[str, Any]:
    """The `usage` object in this server's words, when so much has been written."""
    usage = answer.usage
    read, thinking = usage.cache_read_input_tokens, min(answer.thinking_tokens, output_tokens)
    shown: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": output_tokens - (thinking if server.hides_reasoning else 0),
        "total_tokens": usage.prompt_tokens + output_tokens,
    }
    match server.cached:
        case "details":
            shown["prompt_tokens_details"] = {"cached_tokens": read}
        case "top":
            shown["cached_tokens"] = read
        case "deepseek":
            shown["prompt_tokens_details"] = {"cached_tokens": read}
            shown["prompt_cache_hit_tokens"] = read
            shown["prompt_cache_miss_tokens"] = usage.input_tokens
    if thinking:
        shown["completion_tokens_details"] = {"reasoning_tokens": thinking}
    if server.name == "groq":
        shown |= _GROQ_TIMES
    if server.name == "xai":
        shown |= {"num_sources_used": 0}
    return {**shown, **answer.behaviour.unknown_usage}
