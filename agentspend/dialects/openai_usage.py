"""OpenAI's usage objects, of both its APIs and of the servers that copy them (study §3.2, §3.3).

The prompt includes what was cached and written; the completion includes reasoning and rejected
predictions. A server that counts reasoning apart (xAI, Gemini's compatible endpoint) shows it in
`total_tokens`: whatever of the total is not the prompt was written by the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from agentspend.core.money import PUSD_PER_USD
from agentspend.core.usage import Usage
from agentspend.dialects.counts import group, unknown_counts, whole


@dataclass(frozen=True, slots=True)
class Names:
    """What one of the two APIs calls its counts."""

    prompt: str
    completion: str
    prompt_details: str
    completion_details: str


CHAT = Names(
    "prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details"
)
RESPONSES = Names("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")

OPENROUTER, XAI = "openrouter", "x-ai"
STATE_THEIR_COST = frozenset({OPENROUTER, XAI})
"""The vendors whose own word on a request's cost is their bill."""
_PUSD_PER_TICK = PUSD_PER_USD // 10**10
_WRITE_DETAILS = "cache_write_tokens_details"
# DeepSeek's and Kimi's own names for what was cached, beside the usual one.
_CACHED_ELSEWHERE = ("prompt_cache_hit_tokens", "cached_tokens")
_INPUT_DETAILS = frozenset(
    {"cached_tokens", "cache_write_tokens", _WRITE_DETAILS, "audio_tokens", "text_tokens",
     "image_tokens"}
)  # fmt: skip
_OUTPUT_DETAILS = frozenset(
    {"reasoning_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens", "text_tokens"}
)
_WRITE_TTLS = frozenset({"ttl_30m_tokens", "ttl_12h_tokens"})
_TOP = frozenset({"total_tokens", "prompt_cache_miss_tokens", *_CACHED_ELSEWHERE})


def read_usage(usage: Mapping[str, Any], names: Names) -> tuple[Usage, list[str]]:
    """The counts, and the names of those nobody here prices.

    Raises ValueError for counts that are not whole numbers, and for a prompt of no tokens.
    """
    prompt, completion = whole(usage, names.prompt), whole(usage, names.completion)
    if prompt == 0:
        raise ValueError("the usage has no input")
    details = group(usage, names.prompt_details)
    reasoning = whole(group(usage, names.completion_details), "reasoning_tokens")
    audio = min(prompt, whole(details, "audio_tokens"))
    short, long = _written(details)
    long = min(long, prompt - audio)
    short = min(short, prompt - audio - long)
    read = min(_cached(usage, details), prompt - audio - long - short)
    output = max(completion, whole(usage, "total_tokens") - prompt)
    if reasoning > output:  # it was left out of both
        output += reasoning
    found = Usage(
        input_tokens=prompt - audio - long - short - read,
        cache_read_tokens=read,
        cache_write_5m_tokens=short,
        cache_write_12h_tokens=long,
        input_audio_tokens=audio,
        output_tokens=output,
        reasoning_tokens=min(reasoning, output),
    )
    groups = {names.prompt_details: _INPUT_DETAILS, names.completion_details: _OUTPUT_DETAILS}
    known = {*_TOP, names.prompt, names.completion}
    unknown = list(unknown_counts(usage, known, groups))
    writes = {_WRITE_DETAILS: _WRITE_TTLS}
    unknown += unknown_counts({_WRITE_DETAILS: details.get(_WRITE_DETAILS)}, (), writes)
    return found, unknown


def stated_pusd(usage: Mapping[str, Any], vendor: str) -> int | None:
    """What this vendor says it took, rounded up; None where it says nothing.

    xAI's `cost_in_usd_ticks` is "the actual amount billed", tools included (its cost tracking
    guide); none at all is no statement of that.
    """
    match vendor:
        case "openrouter":
            return _openrouters_pusd(usage)
        case "x-ai":
            return whole(usage, "cost_in_usd_ticks") * _PUSD_PER_TICK or None
    return None


def _openrouters_pusd(usage: Mapping[str, Any]) -> int | None:
    """OpenRouter's `usage.cost` (USD).

    With a key of the user's own at the upstream, that upstream's bill comes on top; where it is not
    told, the price list holds.
    """
    cost = _usd(usage.get("cost"))
    if cost is None:
        return None
    upstream = _usd(group(usage, "cost_details").get("upstream_inference_cost"))
    if upstream is None and usage.get("is_byok") is True:
        return None
    if upstream is not None and usage.get("is_byok") is not False:
        cost += upstream
    return int((cost * PUSD_PER_USD).to_integral_value(ROUND_CEILING))


def _usd(value: object) -> Decimal | None:
    """A stated amount; None where there is none. Raises ValueError for what cannot be one."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"a cost is not a number: {value!r}")
    amount = Decimal(value)
    if not 0 <= amount < 1_000_000 or amount.adjusted() < -18:
        raise ValueError(f"a cost is not an amount: {value!r}")
    return amount


def _written(details: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens written to the cache for the shorter and the longer time."""
    written = whole(details, "cache_write_tokens")
    split = group(details, _WRITE_DETAILS)
    long = sum(whole(split, name) for name in split if name != "ttl_30m_tokens")
    return max(whole(split, "ttl_30m_tokens"), written - long), long


def _cached(usage: Mapping[str, Any], details: Mapping[str, Any]) -> int:
    """Tokens read from the cache. Where two names disagree, the fewer: they cost less."""
    said = [whole(details, "cached_tokens"), *(whole(usage, name) for name in _CACHED_ELSEWHERE)]
    return min((count for count in said if count), default=0)
