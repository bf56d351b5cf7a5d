"""Reading a Messages request: the words that cost money, and an upper bound of the prompt.

Only the top level and the blocks' types are decoded; text is counted, never kept. A request whose
inner shape is unknown but valid JSON is not refused: it is bounded by the context window alone.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import DEFAULT_SERVER_TOOL_USES, TOKENS_FOR_TOOLS
from agentspend.dialects.anthropic.contents import Contents, first_mark
from agentspend.dialects.anthropic.envelope import COUNTED, KNOWN, open_body
from agentspend.dialects.anthropic.prefixes import prefix_marks
from agentspend.dialects.anthropic.shapes import (
    CACHE_CONTROL,
    CONTEXT,
    FALLBACKS,
    FLAG,
    NAMES,
    TEXT,
    THINKING,
    WHOLE,
    CacheControl,
)
from agentspend.dialects.base import BadRequest
from agentspend.dialects.json_parts import UNREADABLE, put_together, take_apart
from agentspend.dialects.text_bound import (
    has_escapes,
    json_tokens_bound,
    normalised_tokens_bound,
    tokens_bound,
)

T = TypeVar("T")

MAX_TOKENS = 2**31 - 1
REMOTE = frozenset({"mcp_servers", "container"})
REMOTE_HINTS = ("_id", "_ids", "file", "url", "memory", "conversation", "server", "skill", "prompt")
COSTLY_ENDINGS = ("_tokens", "_requests")
COSTLY_NAMES = frozenset({"n", "best_of", "candidate_count"})
FALLBACK_FIELDS = frozenset({"model", "thinking", "output_config"})


def read_request(body: bytes, *, in_nfc: bool = True) -> RequestFacts:
    """The facts of one request; with `in_nfc` False its text is normalised too (slow)."""
    _refuse_other_encodings(body)
    parts, messages = open_body(body)
    model = _required(parts, "model", TEXT, "a string")
    max_output = _required(parts, "max_tokens", WHOLE, "a whole number")
    if not 1 <= max_output <= MAX_TOKENS:
        raise BadRequest("max_tokens: must be at least 1, and no more than a model can write")
    if not model:
        raise BadRequest("model: must not be empty")
    options = _Options(parts)
    escapes = has_escapes(body)
    quick = json_tokens_bound if escapes else tokens_bound
    contents = Contents(quick if in_nfc else normalised_tokens_bound, escapes)
    rest = _read_rest(parts, options, contents)
    places = [first_mark(raw) for raw in messages]
    sizes = [contents.read_message(raw, at) for raw, at in zip(messages, places, strict=True)]
    thinking = options.read("thinking", THINKING)
    speed = options.priced("speed", TEXT) or ""
    tier = options.priced("service_tier", TEXT) or ""
    geo = options.priced("inference_geo", TEXT) or ""
    fallbacks = options.fallbacks()
    runs = 1 + len(fallbacks) + int(options.compacts())
    stream = options.read("stream", FLAG) is True
    unknown = [name for name in parts if name not in KNOWN]
    return RequestFacts(
        model=model,
        max_output_tokens=max_output,
        input_bound_tokens=rest + sum(sizes),
        thinking_tokens=max(0, thinking.budget_tokens) if thinking else 0,
        stream=stream,
        cache_ttl=contents.ttl,
        speed=speed,
        service_tier=tier,
        inference_geo=geo,
        other_models=(*contents.models, *fallbacks),
        remote_input=contents.remote_input
        or bool(options.strange)
        or bool(parts.keys() & REMOTE)
        or any(_could_bring_input(name) for name in unknown),
        iterations=runs
        + contents.server_tool_uses
        + (DEFAULT_SERVER_TOOL_USES if "mcp_servers" in parts else 0),
        web_search_requests=contents.web_searches,
        prefixes=prefix_marks(parts, messages, sizes, places),
        candidates=runs + (contents.server_tool_uses if contents.models else 0),
        unpriceable=tuple(
            sorted(
                {
                    *(name for name in unknown if _could_cost(name)),
                    *contents.unpriceable,
                    *options.unpriceable,
                }
            )
        ),
    )


def with_max_output(body: bytes, tokens: int) -> bytes:
    """The same request with another `max_tokens`; every other value's bytes stay."""
    parts = take_apart(body)
    return put_together({**parts, "max_tokens": msgspec.Raw(str(tokens).encode())})


def count_body(body: bytes) -> bytes:
    """The body for `count_tokens`: every field of the request that can add to the prompt.

    Context management is left out: what it would clear is counted.
    """
    parts = take_apart(body)
    return put_together({name: raw for name, raw in parts.items() if name in COUNTED})


def _refuse_other_encodings(body: bytes) -> None:
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"the request body is not UTF-8: {error}") from error


def _read_rest(parts: Mapping[str, bytes], options: "_Options", contents: Contents) -> int:
    """The bound of everything but the messages: every other part, and the provider's own words."""
    system = parts.get("system")
    if system is not None:
        contents.read_content(system)
    tools = parts.get("tools")
    if tools is not None:
        contents.read_tools(tools)
    contents.mark(options.read("cache_control", CACHE_CONTROL))
    if "cache_control" in options.strange:
        contents.mark(CacheControl("1h"))
    bound = sum(
        contents.weigh(raw, first_mark(raw)) + contents.bound(name.encode())
        for name, raw in parts.items()
    )
    if "output_format" in parts or b'"format"' in parts.get("output_config", b""):
        bound += TOKENS_FOR_TOOLS
    return bound + contents.added_tokens


def _could_cost(name: str) -> bool:
    """An unknown field that by its name asks for more of something billed."""
    return name.endswith(COSTLY_ENDINGS) or name in COSTLY_NAMES


def _could_bring_input(name: str) -> bool:
    """An unknown field that by its name refers to something the body does not hold."""
    return any(hint in name for hint in REMOTE_HINTS)


def _required(
    parts: Mapping[str, bytes], name: str, decoder: "msgspec.json.Decoder[T]", what: str
) -> T:
    raw = parts.get(name)
    if raw is None:
        raise BadRequest(f"{name}: Field required")
    try:
        return decoder.decode(raw)
    except UNREADABLE as error:
        raise BadRequest(f"{name}: must be {what}") from error


class _Options:
    """Optional fields. One of an unknown shape is `strange`, never refused here.

    `unpriceable` are those of them that decide a price.
    """

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        self._parts = parts
        self.strange: list[str] = []
        self.unpriceable: list[str] = []

    def read(self, name: str, decoder: "msgspec.json.Decoder[T]") -> T | None:
        """The field's value; None when it is absent or strange."""
        raw = self._parts.get(name)
        if raw is None:
            return None
        try:
            return decoder.decode(raw)
        except UNREADABLE:
            self.strange.append(name)
            return None

    def priced(self, name: str, decoder: "msgspec.json.Decoder[T]") -> T | None:
        """The value of a field that decides a price."""
        if name not in self._parts:
            return None
        value = self.read(name, decoder)
        if name in self.strange:
            self.unpriceable.append(name)
        return value

    def compacts(self) -> bool:
        """Whether the provider may run the prompt once more to shorten it."""
        context = self.read("context_management", CONTEXT)
        if context is None:
            return "context_management" in self.strange
        return any("compact" in edit.type for edit in context.edits)

    def fallbacks(self) -> tuple[str, ...]:
        """The models that may answer instead. What else they change has no bound: it is named."""
        models = list(self.priced("fallback_models", NAMES) or ())
        for item in self.priced("fallbacks", FALLBACKS) or ():
            self.unpriceable += [
                f"fallbacks.{name}" for name in item if name not in FALLBACK_FIELDS
            ]
            try:
                models.append(TEXT.decode(item["model"]))
            except (KeyError, *UNREADABLE):
                self.unpriceable.append("fallbacks.model")
        return tuple(models)
