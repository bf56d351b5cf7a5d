"""Hostile Chat requests and broken answers by the thousand."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing
from agentspend.dialects.openai_chat import OpenAIChat
from agentspend.dialects.openai_chat.meter import ChatMeter
from agentspend.dialects.openai_chat.request import KNOWN
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
from tests.dialects.openai_chat.requests import MINIMAL, OPENAI, REQUESTS, TOOLS, asking, saying

WORDS = ["text", "image_url", "input_audio", "web_search", "function", "1h", "data:image/png,"]
KEYS = ["type", "text", "image_url", "url", "content", "role", "tools", "audio", "function", "name",
        "cache_control", "include_usage", "environment"]  # fmt: skip
SHAPES = shapes(WORDS, KEYS)
WILD = st.dictionaries(st.sampled_from([*sorted(KNOWN), "plugins", "x_tokens"]), SHAPES, max_size=6)
BODIES = [dumped(each["body"]) for each in RECORDED if "completions" in each["path"]]
FACTS = RequestFacts("gpt-4.1", 0, 10)


@given(st.binary(max_size=200))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No bytes break the reader."""
    read(OPENAI, body)


@given(WILD, st.sampled_from(["openai", "x-ai", "deepseek"]))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_shape_is_read_or_refused(fields: dict[str, Any], provider: str) -> None:
    """Known fields with any value in them are bounded, named or refused."""
    dialect = OpenAIChat(provider)
    read(dialect, dumped(fields, ascii_only=True))
    read(dialect, asking(**{k: v for k, v in fields.items() if k not in MINIMAL}))


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
    read(OPENAI, damaged(body, splice, where, lost))


@given(REQUESTS, TOOLS, st.integers(1, 9), st.booleans())
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_no_text_is_missing_from_the_bound(
    body: dict[str, Any], tools: list[Any], turns: int, ascii_only: bool
) -> None:
    """Every byte of every text counts, escaped or not; more is never bounded below less."""
    less = read(OPENAI, dumped(body, ascii_only=ascii_only))
    assert less is not None
    said = [text for text in texts(body) if not text.startswith("data:image")]
    assert less.input_bound_tokens >= sum(len(text.encode()) for text in said)
    longer = {**body, "messages": body["messages"] * (1 + turns)}
    more = read(OPENAI, dumped({**longer, "tools": body.get("tools", []) + tools}))
    assert more is not None
    assert more.input_bound_tokens > less.input_bound_tokens - 6 * len(dumped(body)) * ascii_only


@pytest.mark.parametrize("depth", [10, 500, 5_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"type":"namespace","tools":'])
def test_nesting_is_bounded_or_refused(depth: int, opening: str) -> None:
    """However deep a request nests, it is answered at once."""
    closing = "".join({"[": "]", "{": "}"}[char] for char in reversed(opening) if char in "[{")
    deep = (opening * depth + "1" + closing * depth).encode()
    read(OPENAI, saying({"type": "text", "text": "@"}).replace(b'"@"', deep))
    read(OPENAI, asking(tools=["@"]).replace(b'"@"', deep))
    read(OPENAI, asking(tools="@").replace(b'"@"', deep))
    read(OPENAI, asking(prediction="@").replace(b'"@"', deep))


COUNTS = st.none() | st.integers(0, 10**6) | st.sampled_from([-1, True, "7", 1.0, 0.5, 10**30, {}])
USAGES = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": COUNTS,
        "completion_tokens": COUNTS,
        "total_tokens": COUNTS,
        "cached_tokens": COUNTS,
        "prompt_tokens_details": st.none()
        | st.dictionaries(st.sampled_from(["cached_tokens", "audio_tokens", "new_tokens"]), COUNTS),
        "completion_tokens_details": st.dictionaries(
            st.sampled_from(["reasoning_tokens", "audio_tokens"]), COUNTS
        ),
        "cost": st.none() | st.floats(allow_nan=False) | COUNTS,
    },
)
CHUNKS = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXTS,
        "model": TEXTS | st.integers(),
        "choices": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "delta": st.fixed_dictionaries(
                        {}, optional={"content": TEXTS, "tool_calls": JSON_VALUES}
                    ),
                    "finish_reason": st.sampled_from([None, "stop", "length", "tool_calls"]),
                },
            ),
            max_size=2,
        ),
        "usage": st.none() | USAGES,
        "error": st.just({"message": "x"}),
        "service_tier": TEXTS,
    },
)
STREAMS = st.lists(CHUNKS.map(dumped) | st.sampled_from([b"[DONE]", b"{", b""]), max_size=6)
CUTS = st.lists(st.floats(0, 1), max_size=6)


@given(STREAMS, CUTS, st.sampled_from(["openai", "openrouter"]))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_a_stream_is_never_called_exact_too_early(
    datas: list[bytes], cuts: list[float], provider: str
) -> None:
    """Cut anywhere: the same usage as whole, or less sure."""
    body = b"".join(b"data: " + data + b"\n\n" for data in datas)
    assert_never_less_sure_than_it_says(
        lambda: ChatMeter(FACTS, 200, "text/event-stream", provider), body, cuts
    )


@given(CHUNKS.map(dumped) | st.binary(max_size=200), CUTS)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_a_json_answer_is_never_called_exact_too_early(body: bytes, cuts: list[float]) -> None:
    """Half an answer proves nothing."""
    said = assert_never_less_sure_than_it_says(
        lambda: ChatMeter(FACTS, 200, "application/json"), body, cuts
    )
    meter = ChatMeter(FACTS, 200, "application/json")
    meter.feed(body)
    assert meter.end(complete=False).billing is not Billing.EXACT
    for part in said.parts:
        usage = json.loads(body)["usage"]
        assert part.usage.prompt_tokens == usage["prompt_tokens"]
        assert part.usage.output_tokens >= (usage.get("completion_tokens") or 0)
