"""Gemini's `usageMetadata` (pricing study §3.4).

The prompt includes what was cached; thoughts are extra output, tool-use prompts extra input, and
the total is all of them: whatever of it is not input was written by the model.
"""

from collections.abc import Mapping
from typing import Any

from agentspend.core.usage import Usage
from agentspend.dialects.counts import unknown_counts, whole

KNOWN = frozenset(
    {"promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount",
     "toolUsePromptTokenCount", "totalTokenCount", "promptTokensDetails", "cacheTokensDetails",
     "candidatesTokensDetails", "toolUsePromptTokensDetails", "trafficType", "serviceTier"}
)  # fmt: skip
AUDIO = "AUDIO"
WRITTEN_AS_TEXT = frozenset({"TEXT", "MODALITY_UNSPECIFIED"})
# Vertex's words for how a request was served, as tiers of the price list.
TRAFFIC = {
    "": "", "ON_DEMAND": "", "TRAFFIC_TYPE_UNSPECIFIED": "", "ON_DEMAND_PRIORITY": "priority",
    "ON_DEMAND_FLEX": "flex",
}  # fmt: skip


def read_usage(usage: Mapping[str, Any], searches: int) -> tuple[Usage, list[str]]:
    """The counts, and the names of those nobody here prices.

    Raises ValueError for counts that are not whole numbers, and for a prompt of no tokens.
    """
    prompt, tools = whole(usage, "promptTokenCount"), whole(usage, "toolUsePromptTokenCount")
    if prompt == 0:
        raise ValueError("the usage has no input")
    thoughts = whole(usage, "thoughtsTokenCount")
    written = whole(usage, "candidatesTokenCount") + thoughts
    output = max(written, whole(usage, "totalTokenCount") - prompt - tools)
    cached = min(prompt, whole(usage, "cachedContentTokenCount"))
    cached_audio = min(cached, _modality(usage, "cacheTokensDetails"))
    audio = _modality(usage, "promptTokensDetails")
    audio = min(prompt - cached, max(0, audio - cached_audio))
    tool_audio = min(tools, _modality(usage, "toolUsePromptTokensDetails"))
    found = Usage(
        input_tokens=prompt - cached - audio + tools - tool_audio,
        cache_read_tokens=cached - cached_audio,
        input_audio_tokens=audio + tool_audio,
        cache_read_audio_tokens=cached_audio,
        output_tokens=output,
        reasoning_tokens=min(thoughts, output),
        web_search_requests=searches,
    )
    return found, [*unknown_counts(usage, KNOWN, {}), *_other_output(usage)]


def tier_of(usage: Mapping[str, Any], otherwise: str) -> str:
    """The service tier the answer names, else the request's."""
    said = usage.get("serviceTier")
    if said:
        return str(said).lower().removeprefix("service_tier_")
    traffic = str(usage.get("trafficType") or "")
    return TRAFFIC.get(traffic, traffic.lower()) or otherwise


def _modality(usage: Mapping[str, Any], name: str) -> int:
    """The tokens of sound among these."""
    return sum(
        whole(item, "tokenCount") for item in usage.get(name) or () if item["modality"] == AUDIO
    )


def _other_output(usage: Mapping[str, Any]) -> list[str]:
    """Output that is not text has a price of its own, which nobody here has."""
    return [
        f"candidatesTokensDetails.{item['modality']}"
        for item in usage.get("candidatesTokensDetails") or ()
        if item["modality"] not in WRITTEN_AS_TEXT and whole(item, "tokenCount")
    ]
