"""Hostile Gemini requests and broken answers by the thousand."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing
from agentspend.dialects.gemini.meter import GeminiMeter
from agentspend.dialects.gemini.request import KNOWN, SETTINGS
from agentspend.dialects.text_bound import tokens_bound
from tests.dialects.fuzzing import (
    FUZZ_EXAMPLES,
    JSON_VALUES,
    RECORDED,
    SPLICES,
    TEXTS,
    assert_never_less_sure_than_it_says,
    damaged,
    dumped,
    read,
    shapes,
    texts,
)
from tests.dialects.gemini.test_request import GEMINI, MINIMAL, MODEL, asking, configured, saying

WORDS = ["TEXT", "AUDIO", "image/png", "audio/wav", "gs://x"]
KEYS = ["parts", "text", "inlineData", "inline_data", "mimeType", "data", "role", "googleSearch",
        "functionDeclarations", "thinkingBudget", "functionResponse", "fileData"]  # fmt: skip
SHAPES = shapes(WORDS, KEYS)
WILD = st.dictionaries(
    st.sampled_from([*sorted(KNOWN), "generation_config", "system_instruction"]), SHAPES, max_size=6
)
CONFIGS = st.dictionaries(st.sampled_from([*sorted(SETTINGS), "max_output_tokens"]), SHAPES)
BODIES = [dumped(each["body"]) for each in RECORDED if "Content" in each["path"]]
FACTS = RequestFacts("gemini-2.5-flash", 0, 10)
REQUESTS = st.fixed_dictionaries(
    {
        "contents": st.lists(
            st.fixed_dictionaries(
                {
                    "role": st.sampled_from(["user", "model"]),
                    "parts": st.lists(st.fixed_dictionaries({"text": TEXTS}), max_size=3),
                }
            ),
            min_size=1,
            max_size=4,
        )
    },
    optional={
        "systemInstruction": st.fixed_dictionaries({"parts": st.just([{"text": "be brief"}])}),
        "tools": st.lists(
            st.fixed_dictionaries(
                {"functionDeclarations": st.lists(st.fixed_dictionaries({"name": TEXTS}))}
            ),
            max_size=2,
        ),
        "generationConfig": st.fixed_dictionaries(
            {}, optional={"maxOutputTokens": st.integers(1, 65_536), "responseSchema": JSON_VALUES}
        ),
    },
)


@given(st.binary(max_size=200))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No bytes break the reader."""
    read(GEMINI, body, MODEL)


@given(WILD, CONFIGS)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_shape_is_read_or_refused(fields: dict[str, Any], config: dict[str, Any]) -> None:
    """Known fields with any value in them are bounded, named or refused."""
    read(GEMINI, dumped(fields, ascii_only=True), MODEL)
    read(GEMINI, asking(**{k: v for k, v in fields.items() if k not in MINIMAL}), MODEL)
    read(GEMINI, configured(**config), MODEL)


@given(
    st.sampled_from(BODIES) | REQUESTS.map(dumped),
    st.sampled_from(SPLICES) | st.binary(max_size=4),
    st.floats(0, 1),
    st.integers(0, 8),
)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_a_damaged_request_is_read_or_refused(
    body: bytes, splice: bytes, where: float, lost: int
) -> None:
    """A real request with a few bytes lost or put in breaks nothing."""
    read(GEMINI, damaged(body, splice, where, lost), MODEL)


@given(REQUESTS, st.booleans())
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_no_text_is_missing_from_the_bound(body: dict[str, Any], ascii_only: bool) -> None:
    """Every text counts by the bound of unknown tokenizers, escaped or not."""
    facts = read(GEMINI, dumped(body, ascii_only=ascii_only), MODEL)
    assert facts is not None
    assert facts.input_bound_tokens >= sum(tokens_bound(text.encode()) for text in texts(body))


@pytest.mark.parametrize("depth", [10, 500, 5_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"parts":['])
def test_nesting_is_bounded_or_refused(depth: int, opening: str) -> None:
    """However deep a request nests, it is answered at once."""
    closing = "".join({"[": "]", "{": "}"}[char] for char in reversed(opening) if char in "[{")
    deep = (opening * depth + "1" + closing * depth).encode()
    read(GEMINI, saying({"text": "@"}).replace(b'"@"', deep), MODEL)
    read(GEMINI, asking(contents="@").replace(b'"@"', deep), MODEL)
    read(GEMINI, asking(tools="@", systemInstruction="@").replace(b'"@"', deep), MODEL)
    read(GEMINI, configured(thinkingConfig="@").replace(b'"@"', deep), MODEL)
    read(GEMINI, configured(responseModalities="@").replace(b'"@"', deep), MODEL)


COUNTS = st.none() | st.integers(0, 10**6) | st.sampled_from([-1, True, "7", 1.0, 10**30, {}])
USAGES = st.dictionaries(
    st.sampled_from(
        ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount",
         "toolUsePromptTokenCount", "cachedContentTokenCount", "newTokenCount"]
    ),
    COUNTS,
)  # fmt: skip
CHUNKS = st.fixed_dictionaries(
    {},
    optional={
        "candidates": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "content": st.fixed_dictionaries(
                        {"parts": st.lists(st.fixed_dictionaries({"text": TEXTS}), max_size=2)}
                    ),
                    "finishReason": st.sampled_from(["STOP", "MAX_TOKENS"]),
                    "groundingMetadata": JSON_VALUES,
                },
            ),
            max_size=2,
        ),
        "usageMetadata": st.none() | USAGES,
        "modelVersion": TEXTS,
        "promptFeedback": JSON_VALUES,
        "error": st.just({"code": 1}),
    },
)
CUTS = st.lists(st.floats(0, 1), max_size=6)


@given(st.lists(CHUNKS, max_size=5), CUTS, st.sampled_from([None, 1]))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_the_same_usage_wherever_it_is_cut(
    chunks: list[dict[str, Any]], cuts: list[float], indent: int | None
) -> None:
    """As events, as an array, and one way or the other."""
    as_events = b"".join(b"data: " + dumped(each) + b"\n\n" for each in chunks)
    as_array = json.dumps(chunks, indent=indent).encode()
    found = []
    for body, kind in ((as_events, "text/event-stream"), (as_array, "application/json")):
        whole = GeminiMeter(FACTS, 200, kind)
        whole.feed(body)
        meter = GeminiMeter(FACTS, 200, kind)
        begin = 0
        for end in [*sorted(int(cut * len(body)) for cut in cuts), len(body)]:
            meter.feed(body[begin:end])
            meter.so_far()
            meter.end(complete=False)
            begin = end
        assert meter.end(complete=True) == whole.end(complete=True)
        found.append(whole.end(complete=True))
    assert found[0] == found[1]


@given(st.lists(CHUNKS, max_size=4), CHUNKS, CUTS)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_a_stream_that_ends_once_is_never_exact_too_early(
    before: list[dict[str, Any]], last: dict[str, Any], cuts: list[float]
) -> None:
    """As the API sends it: a finish reason in the last chunk only."""
    for each in before:
        each.pop("promptFeedback", None)
        for candidate in each.get("candidates") or ():
            candidate.pop("finishReason", None)
    body = b"".join(b"data: " + dumped(each) + b"\n\n" for each in [*before, last])
    assert_never_less_sure_than_it_says(
        lambda: GeminiMeter(FACTS, 200, "text/event-stream"), body, cuts
    )


@given(st.binary(max_size=200) | CHUNKS.map(dumped), CUTS)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_bytes_are_metered(body: bytes, cuts: list[float]) -> None:
    """Whatever the bytes are, in both transports."""
    for kind in ("application/json", "text/event-stream"):
        meter = GeminiMeter(FACTS, 200, kind)
        begin = 0
        for end in [*sorted(int(cut * len(body)) for cut in cuts), len(body)]:
            meter.feed(body[begin:end])
            begin = end
        assert meter.end(complete=False).billing in Billing
