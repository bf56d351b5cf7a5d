"""Reading a Chat Completions request: the words that cost money, and a bound of the prompt.

Text is counted, never kept. What is unknown but valid JSON is bounded by the context window alone;
what could cost and has no price is named (study §4, wire study §5-6).
"""

from collections.abc import Sequence

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import TOKENS_FOR_TOOLS, TOKENS_PER_MESSAGE
from agentspend.dialects.base import BadRequest
from agentspend.dialects.costly_models import costly_models
from agentspend.dialects.fields import (
    FIELDS,
    FLAG,
    NAMES,
    TEXT,
    Fields,
    cache_ttl,
    refuse_other_encodings,
)
from agentspend.dialects.json_parts import UNREADABLE, put_together, take_apart
from agentspend.dialects.marks import prefix_marks
from agentspend.dialects.openai_parts import OPENAIS, Parts
from agentspend.dialects.openai_usage import STATE_THEIR_COST
from agentspend.dialects.openai_words import labels, other_modalities, retention, runs_of
from agentspend.dialects.tokenizers import tokenizer_of

KNOWN = frozenset(
    {
        "model", "messages", "tools", "tool_choice", "functions", "function_call", "stream",
        "stream_options", "max_tokens", "max_completion_tokens", "n", "temperature", "top_p",
        "top_k", "min_p", "stop", "presence_penalty", "frequency_penalty", "repetition_penalty",
        "logit_bias", "logprobs", "top_logprobs", "user", "seed", "response_format", "service_tier",
        "reasoning_effort", "reasoning", "include_reasoning", "thinking", "enable_thinking",
        "chat_template_kwargs", "parallel_tool_calls", "metadata", "store", "prediction",
        "modalities", "audio", "verbosity", "prompt_cache_key", "prompt_cache_retention",
        "prompt_cache_options",
        "safety_identifier", "provider", "models", "route", "transforms", "usage", "keep_alive",
        "cache_control",
    }
)  # fmt: skip
NEUTRAL = frozenset(
    {
        "max_tokens", "max_completion_tokens", "metadata", "stream", "stream_options",
        "temperature", "top_p", "top_k", "min_p", "stop", "seed", "user", "service_tier", "store",
        "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "safety_identifier",
        "n", "usage", "logprobs",
        "presence_penalty", "frequency_penalty", "repetition_penalty", "top_logprobs",
        "cache_control",
    }
)  # fmt: skip
LIMITS = ("max_completion_tokens", "max_tokens")
USAGE_ASKED = b'"stream_options":{"include_usage":true}'


class _Message(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw(b"")
    audio: msgspec.Raw = msgspec.Raw(b"")


_MESSAGE = msgspec.json.Decoder(_Message)


def read_request(body: bytes, provider: str, *, in_nfc: bool, injects: bool) -> RequestFacts:
    """The facts of one request to this provider. `injects`: its streams can be asked for usage."""
    refuse_other_encodings(body)
    fields = Fields(take_apart(body))
    model = fields.text("model")
    if "messages" not in fields.raw:
        raise BadRequest("messages: Field required")
    messages = fields.objects("messages")
    bound_of = tokenizer_of(provider, model).bound(in_nfc=in_nfc)
    parts = Parts(model, bound_of, provider, tells_calls=provider in STATE_THEIR_COST)
    rest = {name: raw for name, raw in fields.raw.items() if name != "messages"}
    bound = sum(parts.weigh(raw) + parts.weigh(name.encode()) for name, raw in rest.items())
    for name in ("tools", "functions"):
        if name in rest:
            bound += parts.tools(rest[name])
    if "response_format" in rest:
        bound += TOKENS_FOR_TOOLS
    sizes = [_message(raw, parts) for raw in messages]
    limit = max(fields.whole(name, least=1) for name in LIMITS)
    stream = fields.read("stream", FLAG) is True
    costly, brings_input = fields.beyond(KNOWN | labels(provider))
    others = tuple(name for name in fields.priced("models", NAMES) or () if name != model)
    uses = parts.uses(0)
    runs = runs_of(fields, model)
    lifetime = retention(fields, body)
    tier = fields.priced("service_tier", TEXT) or ""
    named = _unpriceable(fields, (model, *others))
    uncapped = _uncapped_output(fields, parts)
    return RequestFacts(
        model=model,
        max_output_tokens=limit and limit + uncapped,
        uncapped_output_tokens=uncapped,
        input_bound_tokens=bound + sum(sizes),
        stream=stream,
        cache_ttl=lifetime if provider in OPENAIS else cache_ttl(body, lifetime),
        service_tier=tier,
        other_models=others,
        remote_input=parts.remote_input or brings_input,
        iterations=runs + uses,
        web_search_requests=uses if parts.web_searches else 0,
        web_search_preview_requests=uses if parts.preview_searches else 0,
        file_search_requests=uses if parts.file_searches else 0,
        fees_pusd=parts.fees_pusd(uses),
        sealed_tokens=parts.sealed_tokens,
        linked_tokens=parts.linked_tokens,
        prefixes=prefix_marks(rest, NEUTRAL | labels(provider), messages, sizes),
        unpriceable=tuple(sorted({*parts.unpriceable, *fields.unpriceable, *named, *costly})),
        candidates=max(1, fields.whole("n", least=1)) * runs,
        audio=parts.audio,
        adds_usage=injects and stream and not _asks_usage(fields.raw.get("stream_options")),
    )


def with_max_output(body: bytes, tokens: int, provider: str) -> bytes:
    """The same request with another output limit; added where there is none.

    `tokens` are above the request's `uncapped_output_tokens`, which the limit does not hold back.
    """
    parts = take_apart(body)
    fields = Fields(parts)
    model = fields.read("model", TEXT) or ""
    bound = tokenizer_of(provider, model).bound(in_nfc=False)
    uncapped = _uncapped_output(fields, Parts(model, bound, provider))
    limit = msgspec.Raw(str(max(1, tokens - uncapped)).encode())
    named = [name for name in LIMITS if name in fields.raw]
    if not named:
        named = [LIMITS[0 if provider in OPENAIS else 1]]
    return put_together({**parts, **dict.fromkeys(named, limit)})


def asking_for_usage(body: bytes) -> bytes:
    """The same request, asking its stream for usage; every other byte stays."""
    plain = b"stream_options" not in body and b"\\u" not in body
    parts = {} if plain else take_apart(body)
    options = parts.get("stream_options")
    if options is None:
        closing = body.rindex(b"}")
        return body[:closing] + b"," + USAGE_ASKED + body[closing:]
    try:
        asked = FIELDS.decode(options)
    except UNREADABLE:
        asked = {}
    asked["include_usage"] = msgspec.Raw(b"true")
    return put_together({**parts, "stream_options": msgspec.Raw(put_together(asked))})


def _asks_usage(options: bytes | None) -> bool:
    if options is None:
        return False
    try:
        return bytes(FIELDS.decode(options).get("include_usage", b"")) == b"true"
    except UNREADABLE:
        return False


def _message(raw: bytes, parts: Parts) -> int:
    """The most tokens one message can be."""
    size = parts.weigh(raw) + TOKENS_PER_MESSAGE
    try:
        message = _MESSAGE.decode(raw)
    except UNREADABLE:
        parts.remote_input = True
        return size
    if bytes(message.audio) not in (b"", b"null"):
        parts.remote_input = parts.audio = True
    return size + parts.content(bytes(message.content))


def _uncapped_output(fields: Fields, parts: Parts) -> int:
    """Output that the limit may not hold back: a prediction's rejected tokens (study §3.2)."""
    return parts.weigh(fields.raw["prediction"]) if "prediction" in fields.raw else 0


def _unpriceable(fields: Fields, models: Sequence[str]) -> list[str]:
    """Known fields that ask for what has no price here: generated audio, hidden searches."""
    named = [name for name in ("audio", "web_search_options") if name in fields.raw]
    return [*named, *other_modalities(fields), *costly_models(models)]
