"""Reading a `generateContent` request: the words that cost money, and a bound of the prompt.

The path names the model (wire study §3). Thinking counts into `maxOutputTokens` where it was
measured, and is officially unanswered: a thinking budget is added to the limit (study §4.4).
"""

from dataclasses import dataclass

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import TOKENS_FOR_TOOLS
from agentspend.dialects.base import BadRequest
from agentspend.dialects.costly_models import costly_models
from agentspend.dialects.fields import (
    MAX_TOKENS,
    NOTHING,
    TEXT,
    Fields,
    refuse_other_encodings,
)
from agentspend.dialects.gemini.contents import Contents
from agentspend.dialects.gemini.shapes import camel, decoded, inner, spelt_once
from agentspend.dialects.json_parts import put_together, take_apart
from agentspend.dialects.marks import prefix_marks
from agentspend.dialects.tokenizers import tokenizer_of

KNOWN = frozenset(
    {
        "contents", "systemInstruction", "tools", "toolConfig", "safetySettings",
        "generationConfig", "cachedContent", "labels", "model", "serviceTier", "store",
    }
)  # fmt: skip
SETTINGS = frozenset(
    {
        "maxOutputTokens", "candidateCount", "thinkingConfig", "temperature", "topP", "topK",
        "seed", "stopSequences", "presencePenalty", "frequencyPenalty", "responseMimeType",
        "logprobs",
        "responseSchema", "responseJsonSchema", "responseLogprobs", "mediaResolution",
        "responseModalities", "enableEnhancedCivicAnswers", "audioTimestamp", "routingConfig",
    }
)  # fmt: skip
NEUTRAL = frozenset({"safetySettings", "labels", "serviceTier", "store"})
CONFIG = "generationConfig"
LIMIT = "maxOutputTokens"


@dataclass(frozen=True, slots=True)
class _Settings:
    """`generationConfig`, as far as it costs. `thinking`: a budget beside the output limit."""

    limit: int = 0
    candidates: int = 1
    thinking: int = 0
    structured: bool = False
    unpriceable: tuple[str, ...] = ()


def read_request(body: bytes, path_model: str, provider: str, *, in_nfc: bool) -> RequestFacts:
    """The facts of one request to the model its path names."""
    refuse_other_encodings(body)
    fields = Fields(spelt_once(take_apart(body)))
    model = path_model or fields.text("model").removeprefix("models/")
    if "contents" not in fields.raw:
        raise BadRequest("contents: Field required")
    turns = _turns(fields)
    contents = Contents(model, tokenizer_of(provider, model).bound(in_nfc=in_nfc))
    rest = {name: raw for name, raw in fields.raw.items() if name != "contents"}
    bound = sum(contents.bound(raw) + contents.bound(name.encode()) for name, raw in rest.items())
    if "systemInstruction" in rest:
        bound += contents.parts_of(rest["systemInstruction"])
    if "tools" in rest:
        bound += contents.tools(rest["tools"])
    settings = _settings(rest.get(CONFIG))
    if settings.structured:
        bound += TOKENS_FOR_TOOLS
    sizes = [contents.turn(raw) for raw in turns]
    costly, brings_input = fields.beyond(KNOWN)
    tier = (fields.priced("serviceTier", TEXT) or "").lower().removeprefix("service_tier_")
    named = {**rest, "model": model.encode()}
    return RequestFacts(
        model=model,
        max_output_tokens=settings.limit and settings.limit + settings.thinking,
        input_bound_tokens=bound + sum(sizes),
        thinking_tokens=settings.thinking,
        service_tier=tier,
        remote_input=contents.remote_input or "cachedContent" in rest or brings_input,
        iterations=1 + contents.uses(),
        web_search_requests=contents.uses() if contents.searches else 0,
        prefixes=prefix_marks(named, NEUTRAL, turns, sizes),
        unpriceable=tuple(
            sorted(
                {
                    *contents.unpriceable,
                    *fields.unpriceable,
                    *settings.unpriceable,
                    *costly,
                    *costly_models([model]),
                }
            )
        ),
        candidates=settings.candidates,
        sealed_tokens=contents.sealed_tokens,
        audio=contents.audio or "cachedContent" in rest,
    )


def with_max_output(body: bytes, tokens: int) -> bytes:
    """The same request with another output limit; added where there is none."""
    parts = take_apart(body)
    name = next((name for name in parts if camel(name) == CONFIG), CONFIG)
    raw = bytes(parts.get(name, b"{}"))
    config = {} if raw in NOTHING else take_apart(raw)
    limit_name = next((each for each in config if camel(each) == LIMIT), LIMIT)
    limit = max(1, tokens - _settings(None if raw in NOTHING else raw).thinking)
    config[limit_name] = msgspec.Raw(str(limit).encode())
    return put_together({**parts, name: msgspec.Raw(put_together(config))})


def count_body(body: bytes, path_model: str) -> bytes:
    """The body for `countTokens`: the request whole, which counts tools and instructions too."""
    parts = {**take_apart(body), "model": msgspec.Raw(msgspec.json.encode(f"models/{path_model}"))}
    return put_together({"generateContentRequest": msgspec.Raw(put_together(parts))})


def _turns(fields: Fields) -> list[bytes]:
    """The conversation's turns; one that stands alone is one."""
    raw = fields.raw["contents"]
    return [raw] if raw[:1] == b"{" else fields.objects("contents")


def _settings(raw: bytes | None) -> _Settings:
    if raw in (None, b"null"):
        return _Settings()
    config = inner(raw)
    if config is None:
        raise BadRequest(f"{CONFIG}: must be an object")
    fields = Fields(config)
    named = [f"{CONFIG}.{name}" for name in fields.unknown(SETTINGS)]
    modalities = decoded(fields.raw.get("responseModalities", b'["TEXT"]'))
    if not isinstance(modalities, list) or any(str(each).upper() != "TEXT" for each in modalities):
        named.append(f"{CONFIG}.responseModalities")
    thinking = inner(fields.raw.get("thinkingConfig"))
    budget = decoded((thinking or {}).get("thinkingBudget", b"0"))
    if thinking is None or isinstance(budget, bool) or not isinstance(budget, int):
        budget = 0
        named.append(f"{CONFIG}.thinkingConfig")
    if budget > MAX_TOKENS:
        raise BadRequest(f"{CONFIG}.thinkingConfig.thinkingBudget: too large")
    return _Settings(
        limit=fields.whole(LIMIT, least=1),
        candidates=max(1, fields.whole("candidateCount", least=1)),
        thinking=max(0, budget),
        structured=bool(fields.raw.keys() & {"responseSchema", "responseJsonSchema"}),
        unpriceable=tuple(named),
    )
