"""Reading a Messages request: the words that cost money, and an upper bound of the prompt.

Only the top level and the blocks' types are decoded; text is counted, never kept. A request whose
inner shape is unknown but valid JSON is not refused: it is bounded by the context window alone.
"""

from collections.abc import Mapping

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
    THINKING,
    THREAD,
    CacheControl,
)
from agentspend.dialects.base import BadRequest, LostThread
from agentspend.dialects.costly_models import costly_models
from agentspend.dialects.fields import (
    COSTLY_ENDINGS,
    FLAG,
    NAMES,
    TEXT,
    Fields,
    could_bring_input,
    refuse_other_encodings,
)
from agentspend.dialects.json_parts import UNREADABLE, put_together, take_apart
from agentspend.dialects.text_bound import (
    has_escapes,
    json_tokens_bound,
    normalised_tokens_bound,
    tokens_bound,
)

REMOTE = frozenset({"mcp_servers", "container"})
# The last two are OpenRouter's: searches it runs, and a request that lies there.
COSTLY_NAMES = frozenset({"n", "best_of", "candidate_count", "plugins", "preset"})
FALLBACK_FIELDS = frozenset({"model", "thinking", "output_config"})


def read_request(body: bytes, *, in_nfc: bool = True) -> RequestFacts:
    """The facts of one request; with `in_nfc` False its text is normalised too (slow)."""
    refuse_other_encodings(body)
    parts, messages = open_body(body)
    options = _Options(parts)
    model = options.text("model")
    max_output = options.whole("max_tokens", least=0)
    if "max_tokens" not in parts:
        raise BadRequest("max_tokens: Field required")
    escapes = has_escapes(body)
    quick = json_tokens_bound if escapes else tokens_bound
    contents = Contents(model, quick if in_nfc else normalised_tokens_bound, escapes)
    rest = _read_rest(parts, options, contents)
    places = [first_mark(raw) for raw in messages]
    sizes = [contents.read_message(raw, at) for raw, at in zip(messages, places, strict=True)]
    thinking = options.read("thinking", THINKING)
    speed = options.priced("speed", TEXT) or ""
    tier = options.priced("service_tier", TEXT) or ""
    geo = options.priced("inference_geo", TEXT) or ""
    fallbacks = options.fallbacks()
    others = (*fallbacks, *options.instead_of(model))
    resumes = options.resumes()
    runs = 1 + len(fallbacks) + int(options.compacts())
    stream = options.read("stream", FLAG) is True
    unknown = [name for name in parts if name not in KNOWN]
    return RequestFacts(
        model=model,
        max_output_tokens=max(1, max_output),  # none only fills the cache
        input_bound_tokens=rest + sum(sizes),
        thinking_tokens=max(0, thinking.budget_tokens) if thinking else 0,
        stream=stream,
        cache_ttl=contents.ttl,
        speed=speed,
        service_tier=tier,
        inference_geo=geo,
        other_models=(*contents.models, *others),
        remote_input=contents.remote_input
        or bool(options.strange)
        or bool(parts.keys() & REMOTE)
        or resumes
        or any(could_bring_input(name) for name in unknown),
        iterations=runs
        + contents.server_tool_uses
        + (DEFAULT_SERVER_TOOL_USES if "mcp_servers" in parts else 0),
        web_search_requests=contents.web_searches,
        prefixes=prefix_marks(parts, messages, sizes, places),
        candidates=runs,
        advice_tokens=contents.advice_tokens,
        sealed_tokens=contents.sealed_tokens,
        linked_tokens=contents.linked_tokens,
        unpriceable=tuple(
            sorted(
                {
                    *(name for name in unknown if _could_cost(name)),
                    *contents.unpriceable,
                    *options.unpriceable,
                    *costly_models((model, *others)),
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
    """An unknown field that by its name asks for more of something billed.

    Narrower than in other APIs: Claude Code sends new fields of its own before anybody knows them.
    """
    return name.endswith(COSTLY_ENDINGS) or name in COSTLY_NAMES


class _Options(Fields):
    """The fields of a request, with what some of them mean together."""

    def instead_of(self, model: str) -> list[str]:
        """OpenRouter's `models`: one of them answers where this one does not."""
        return [name for name in self.priced("models", NAMES) or () if name != model]

    def resumes(self) -> bool:
        """Whether the provider keeps the beginning of this answer, which was cut.

        Raises `LostThread` for a conversation that it keeps: nobody here sees its messages, its
        cache marks and its tools.
        """
        thread = self.read("thread", THREAD)
        if "thread" in self.raw and (thread is None or thread.type != "create"):
            raise LostThread("thread: agentspend needs the whole conversation, to bound its cost")
        resumed = self.raw.get("resumption", b"")
        return b'"token"' in resumed or b"\\u" in resumed

    def compacts(self) -> bool:
        """Whether the provider may run the prompt once more to shorten it."""
        if "compaction" in self.raw:
            return True
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
