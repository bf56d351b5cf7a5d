"""Reading a Messages request: the words that cost money, and an upper bound of the prompt.

Only the top level and the blocks' types are decoded; text is counted, never kept. A request whose
inner shape is unknown but valid JSON is not refused: it is bounded by the context window alone.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import TOKENS_FOR_TOOLS, TOKENS_PER_MESSAGE
from agentspend.dialects.anthropic.contents import Contents
from agentspend.dialects.anthropic.prefixes import prefix_marks
from agentspend.dialects.anthropic.shapes import (
    CONTEXT,
    FALLBACKS,
    FLAG,
    MESSAGE,
    MESSAGES,
    TEXT,
    THINKING,
    WHOLE,
)
from agentspend.dialects.base import BadRequest
from agentspend.dialects.json_parts import Parts, put_together, take_apart
from agentspend.dialects.text_bound import normalised_tokens_bound, tokens_bound

T = TypeVar("T")

COUNTED = ("model", "messages", "system", "tools", "tool_choice", "thinking", "mcp_servers")
REMOTE = frozenset({"mcp_servers", "container"})
KNOWN = frozenset(
    {
        *COUNTED, "max_tokens", "metadata", "stream", "temperature", "top_p", "top_k",
        "stop_sequences", "service_tier", "speed", "inference_geo", "context_management",
        "output_config", "output_format", "container", "betas", "fallbacks", "fallback_models",
    }
)  # fmt: skip


def read_request(body: bytes, *, in_nfc: bool = True) -> RequestFacts:
    """The facts of one request; with `in_nfc` False its text is normalised first (slow)."""
    bound = tokens_bound if in_nfc else normalised_tokens_bound
    parts = take_apart(body)
    model = _required(parts, "model", TEXT, "a string")
    max_output = _required(parts, "max_tokens", WHOLE, "a whole number")
    if max_output < 1:
        raise BadRequest("max_tokens: must be at least 1")
    if not model:
        raise BadRequest("model: must not be empty")
    messages = _required(parts, "messages", MESSAGES, "a list")
    contents = _read_contents(parts, messages)
    options = _Options(parts)
    thinking = options.read("thinking", THINKING)
    context = options.read("context_management", CONTEXT)
    compacts = bool(context and any(edit.type.startswith("compact") for edit in context.edits))
    fallbacks = options.read("fallbacks", FALLBACKS) or []
    input_bound = (
        bound(body)
        + TOKENS_PER_MESSAGE * len(messages)
        + (TOKENS_FOR_TOOLS if "tools" in parts else 0)
        + contents.image_tokens
    )
    speed = options.read("speed", TEXT) or ""
    tier = options.read("service_tier", TEXT) or ""
    geo = options.read("inference_geo", TEXT) or ""
    stream = bool(options.read("stream", FLAG))
    return RequestFacts(
        model=model,
        max_output_tokens=max_output,
        input_bound_tokens=input_bound,
        thinking_tokens=max(0, thinking.budget_tokens) if thinking else 0,
        stream=stream,
        cache_ttl=contents.ttl,
        speed=speed,
        service_tier=tier,
        inference_geo=geo,
        other_models=(*contents.models, *(item.model for item in fallbacks if item.model)),
        remote_input=contents.remote_input or options.strange or bool(parts.keys() & REMOTE),
        iterations=1 + contents.server_tool_uses + int(compacts),
        web_search_requests=contents.web_searches,
        prefixes=prefix_marks(parts, messages, contents.image_tokens, bound),
        unpriceable=tuple(sorted(name for name in parts if _could_cost(name))),
    )


def with_max_output(body: bytes, tokens: int) -> bytes:
    """The same request with another `max_tokens`; every other value's bytes stay."""
    parts = take_apart(body)
    return put_together({**parts, "max_tokens": msgspec.Raw(str(tokens).encode())})


def count_body(body: bytes) -> bytes:
    """The body for `count_tokens`: the fields that endpoint takes."""
    parts = take_apart(body)
    return put_together({name: raw for name, raw in parts.items() if name in COUNTED})


def _read_contents(parts: Parts, messages: Sequence[msgspec.Raw]) -> Contents:
    contents = Contents()
    for message in messages:
        try:
            content = MESSAGE.decode(message).get("content")
        except msgspec.DecodeError as error:
            raise BadRequest("messages: each must be an object") from error
        if content is not None:
            contents.read_content(bytes(content))
    system = parts.get("system")
    if system is not None:
        contents.read_content(bytes(system))
    tools = parts.get("tools")
    if tools is not None and bytes(tools) != b"null":
        contents.read_tools(bytes(tools))
    return contents


def _could_cost(name: str) -> bool:
    """An unknown field that by its name asks for more of something billed."""
    return name not in KNOWN and (name.endswith(("_tokens", "_requests")) or name == "n")


def _required(parts: Parts, name: str, decoder: "msgspec.json.Decoder[T]", what: str) -> T:
    raw = parts.get(name)
    if raw is None:
        raise BadRequest(f"{name}: Field required")
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise BadRequest(f"{name}: must be {what}") from error


class _Options:
    """Optional fields. One of an unknown shape makes the request `strange`, never refused."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.strange = False

    def read(self, name: str, decoder: "msgspec.json.Decoder[T]") -> T | None:
        """The field's value; None when it is absent, null or strange."""
        raw = self._parts.get(name)
        if raw is None or bytes(raw) == b"null":
            return None
        try:
            return decoder.decode(raw)
        except msgspec.DecodeError:
            self.strange = True
            return None
