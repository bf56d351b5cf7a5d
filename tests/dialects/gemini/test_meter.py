"""Metering Gemini answers: the last value of each field, three ways to send, and broken ones."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.gemini.meter import GeminiMeter

FACTS = RequestFacts("gemini-2.5-flash", 1_000, 100)
USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 14}


def chunk(text: str = "", reason: str = "", **more: Any) -> dict[str, Any]:
    """A chunk with one candidate."""
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}] if text else []}}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], **more}


def metered(
    *chunks: Any, complete: bool = True, facts: RequestFacts = FACTS, status: int = 200
) -> Metered:
    """What an event stream of these chunks proves; a str stands as it is."""
    meter = GeminiMeter(facts, status, "text/event-stream")
    for each in chunks:
        meter.feed(f"data: {each if isinstance(each, str) else json.dumps(each)}\r\n\r\n".encode())
    return meter.end(complete=complete)


def in_an_array(*chunks: Any, complete: bool = True) -> Metered:
    """What the same chunks prove in an array."""
    meter = GeminiMeter(FACTS, 200, "application/json; charset=UTF-8")
    meter.feed(json.dumps(list(chunks)).encode())
    return meter.end(complete=complete)


@pytest.mark.parametrize(
    ("chunks", "complete", "billing"),
    [
        ([chunk("a", "STOP", usageMetadata=USAGE)], True, "exact"),
        ([chunk("a", "STOP", usageMetadata=USAGE)], False, "exact"),
        ([chunk("a", usageMetadata=USAGE)], True, "exact"),
        ([chunk("a", usageMetadata=USAGE)], False, "floor"),
        ([chunk("a", usageMetadata=USAGE), chunk("b")], True, "floor"),
        ([chunk("a", "STOP")], True, "unknown"),
        ([chunk("a", "STOP", usageMetadata={"promptTokenCount": 0})], True, "unknown"),
        ([chunk("a", usageMetadata=USAGE), {"error": {"code": 503}}], True, "floor"),
        ([{"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE}], False, "exact"),
        ([], True, "unknown"),
    ],
)
def test_how_sure_an_answer_is(chunks: list[Any], complete: bool, billing: str) -> None:
    """In an event stream and in an array alike."""
    assert metered(*chunks, complete=complete).billing == billing
    assert in_an_array(*chunks, complete=complete).billing == billing


def test_every_field_s_last_value_holds() -> None:
    """A field that a later chunk leaves out is not forgotten."""
    thinking = {"promptTokenCount": 10, "thoughtsTokenCount": 30, "totalTokenCount": 40}
    found = metered(chunk("a", usageMetadata=thinking), chunk("b", "STOP", usageMetadata=USAGE))
    assert found.parts[0].usage.output_tokens == 34


def test_an_error_bills_nothing() -> None:
    """Whatever it says."""
    assert metered(chunk("a", usageMetadata=USAGE), status=429).billing is Billing.FREE


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {**USAGE, "thoughtsTokenCount": 6, "totalTokenCount": 20},
            {"input_tokens": 10, "output_tokens": 10, "reasoning_tokens": 6},
        ),
        (
            {**USAGE, "toolUsePromptTokenCount": 7, "totalTokenCount": 21},
            {"input_tokens": 17, "output_tokens": 4},
        ),
        ({**USAGE, "totalTokenCount": 99}, {"input_tokens": 10, "output_tokens": 89}),
        (
            {**USAGE, "cachedContentTokenCount": 6},
            {"input_tokens": 4, "cache_read_tokens": 6, "output_tokens": 4},
        ),
        (
            {**USAGE, "cachedContentTokenCount": 60},
            {"cache_read_tokens": 10, "output_tokens": 4},
        ),
        (
            {
                **USAGE,
                "cachedContentTokenCount": 5,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 3},
                    {"modality": "AUDIO", "tokenCount": 7},
                ],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}],
            },
            {
                "input_tokens": 2,
                "cache_read_tokens": 1,
                "input_audio_tokens": 3,
                "cache_read_audio_tokens": 4,
                "output_tokens": 4,
            },
        ),
        (
            {
                **USAGE,
                "toolUsePromptTokenCount": 5,
                "totalTokenCount": 19,
                "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}],
            },
            {"input_tokens": 13, "input_audio_tokens": 2, "output_tokens": 4},
        ),
    ],
)
def test_what_is_counted_where(usage: dict[str, Any], counts: dict[str, int]) -> None:
    """Thoughts and tool prompts are extra, the cache is not, and sound has its own rate."""
    assert metered(chunk("a", "STOP", usageMetadata=usage)).parts[0].usage.counts() == counts


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"newTokenCount": 5}, ("newTokenCount",)),
        ({"newTokenCount": 0}, ()),
        (
            {"candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 5}]},
            ("candidatesTokensDetails.IMAGE",),
        ),
        ({"candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 4}]}, ()),
    ],
)
def test_a_count_nobody_prices_is_named(more: dict[str, Any], named: tuple[str, ...]) -> None:
    """The row is not exact then."""
    assert metered(chunk("a", "STOP", usageMetadata={**USAGE, **more})).unpriceable == named


@pytest.mark.parametrize(
    "usage",
    [
        {"promptTokenCount": "10"}, {"promptTokenCount": -1}, {"promptTokenCount": True}, [1], "x",
        {**USAGE, "promptTokensDetails": [{}]}, {**USAGE, "promptTokensDetails": 7},
    ],
)  # fmt: skip
def test_counts_that_are_none_prove_nothing(usage: object) -> None:
    """Then the hold stays."""
    assert metered(chunk("a", "STOP", usageMetadata=usage)).billing is Billing.UNKNOWN


@pytest.mark.parametrize(
    ("more", "tier"),
    [
        ({}, "asked"), ({"trafficType": "ON_DEMAND"}, "asked"),
        ({"trafficType": "ON_DEMAND_PRIORITY"}, "priority"),
        ({"trafficType": "ON_DEMAND_FLEX"}, "flex"),
        ({"trafficType": "PROVISIONED_THROUGHPUT"}, "provisioned_throughput"),
        ({"serviceTier": "SERVICE_TIER_FLEX"}, "flex"),
    ],
)  # fmt: skip
def test_the_answer_names_its_tier(more: dict[str, Any], tier: str) -> None:
    """In the price list's spelling; one it does not have stays unknown."""
    facts = RequestFacts("gemini-2.5-flash", 0, 0, service_tier="asked")
    found = metered(chunk("a", usageMetadata={**USAGE, **more}), facts=facts)
    assert found.parts[0].service_tier == tier


@pytest.mark.parametrize(("model", "searches"), [("gemini-2.5-flash", 1), ("gemini-3.8-flash", 3)])
def test_grounding_is_billed_by_prompt_or_by_query(model: str, searches: int) -> None:
    """Up to Gemini 2 by the prompt, from Gemini 3 on by the query; told twice, counted once."""
    grounded = chunk("a", usageMetadata=USAGE, modelVersion=model)
    grounded["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["a", "b"]}
    more = chunk("b", "STOP", usageMetadata=USAGE)
    more["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["a", "", "b", "c"]}
    assert metered(grounded, more).parts[0].usage.web_search_requests == searches
    plain = metered(chunk("a", usageMetadata=USAGE)).parts[0].usage
    assert plain.web_search_requests == 0


def test_a_cut_answer_says_so() -> None:
    """With the function call it cut, if it did."""
    call = {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}}]}
    last = chunk(reason="MAX_TOKENS", usageMetadata=USAGE, responseId="r9")
    found = metered(call, last)
    assert (found.stop_reason, found.tool_call_cut, found.response_id) == ("MAX_TOKENS", True, "r9")
    assert not metered(call, chunk("a"), last).tool_call_cut
    assert not metered(call, chunk(reason="STOP", usageMetadata=USAGE)).tool_call_cut


def test_usage_is_news_as_it_comes() -> None:
    """In an event stream and in an array; the text that passed is seen."""
    sse, array = (GeminiMeter(FACTS, 200, kind) for kind in ("text/event-stream", ""))
    one = json.dumps(chunk("hello", usageMetadata=USAGE)).encode()
    assert sse.feed(b"data: " + one + b"\n\n")
    assert not array.feed(b"  ")
    assert not array.feed(b"[" + one[:-1])
    assert array.feed(b"}")
    for meter in (sse, array):
        assert meter.so_far().billing is Billing.FLOOR
        assert meter.so_far().parts[0].usage.output_tokens == 4
        assert meter.output_seen_tokens >= 5


def test_an_answer_has_ended_when_every_candidate_has() -> None:
    """With `candidateCount` of 2, the first end proves nothing yet: the other still costs."""
    meter = GeminiMeter(replace(FACTS, candidates=2), 200, "text/event-stream")
    first = chunk("a", "STOP", usageMetadata={**USAGE, "candidatesTokenCount": 1})
    second = chunk("b", "STOP", usageMetadata=USAGE)
    second["candidates"][0]["index"] = 1
    meter.feed(b"data: " + json.dumps(first).encode() + b"\n\n")
    assert meter.end(complete=False).billing is Billing.FLOOR
    meter.feed(b"data: " + json.dumps(second).encode() + b"\n\n")
    assert meter.end(complete=False).billing is Billing.EXACT
