"""Hostile Responses requests and broken answers by the thousand."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.facts import RequestFacts
from agentspend.dialects.openai_responses import OpenAIResponses
from agentspend.dialects.openai_responses.meter import ResponsesMeter
from agentspend.dialects.openai_responses.request import KNOWN
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
from tests.dialects.openai_chat.requests import PIXEL
from tests.dialects.openai_responses.test_request import MINIMAL, OPENAI, asking, saying

WORDS = ["input_text", "input_image", "input_audio", "web_search", "function", "message", PIXEL]
KEYS = ["type", "text", "image_url", "content", "role", "tools", "output", "name", "environment",
        "file_id", "format", "arguments"]  # fmt: skip
WILD = st.dictionaries(
    st.sampled_from([*sorted(KNOWN), "x_tokens", "x_id"]), shapes(WORDS, KEYS), max_size=6
)
BODIES = [dumped(each["body"]) for each in RECORDED if "responses" in each["path"]]
FACTS = RequestFacts("gpt-5", 0, 10)
PARTS = st.fixed_dictionaries({"type": st.just("input_text"), "text": TEXTS}) | st.just(
    {"type": "input_image", "image_url": PIXEL}
)
ITEMS = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "developer"]), "content": TEXTS | st.lists(PARTS, max_size=3)}
) | st.fixed_dictionaries(
    {
        "type": st.sampled_from(["function_call_output", "custom_tool_call_output"]),
        "output": TEXTS | st.lists(PARTS, max_size=2),
    }
)
REQUESTS = st.fixed_dictionaries(
    {"model": st.just("gpt-5"), "input": TEXTS | st.lists(ITEMS, min_size=1, max_size=5)},
    optional={
        "instructions": TEXTS,
        "tools": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("function"), "description": TEXTS, "parameters": JSON_VALUES}
            ),
            max_size=2,
        ),
        "max_output_tokens": st.integers(1, 128_000),
        "metadata": st.just({"a": "b"}),
    },
)


@given(st.binary(max_size=200))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No bytes break the reader."""
    read(OPENAI, body)


@given(WILD, st.sampled_from(["openai", "x-ai"]))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_shape_is_read_or_refused(fields: dict[str, Any], provider: str) -> None:
    """Known fields with any value in them are bounded, named or refused."""
    dialect = OpenAIResponses(provider)
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


@given(REQUESTS, st.booleans())
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_no_text_is_missing_from_the_bound(body: dict[str, Any], ascii_only: bool) -> None:
    """Every byte of every text counts, escaped or not."""
    facts = read(OPENAI, dumped(body, ascii_only=ascii_only))
    assert facts is not None
    said = [text for text in texts(body) if text != PIXEL]
    assert facts.input_bound_tokens >= sum(len(text.encode()) for text in said)


@pytest.mark.parametrize("depth", [10, 500, 5_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"type":"namespace","tools":'])
def test_nesting_is_bounded_or_refused(depth: int, opening: str) -> None:
    """However deep a request nests, it is answered at once."""
    closing = "".join({"[": "]", "{": "}"}[char] for char in reversed(opening) if char in "[{")
    deep = (opening * depth + "1" + closing * depth).encode()
    read(OPENAI, saying({"type": "input_text", "text": "@"}).replace(b'"@"', deep))
    read(OPENAI, asking(tools="@").replace(b'"@"', deep))
    read(OPENAI, asking(input="@").replace(b'"@"', deep))
    read(OPENAI, asking(input=[{"output": "@"}]).replace(b'"@"', deep))


COUNTS = st.none() | st.integers(0, 10**6) | st.sampled_from([-1, True, "7", 1.0, 10**30, {}])
ITEM_OUT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["web_search_call", "file_search_call", "message", "x_call", 7]),
        "id": TEXTS,
        "action": st.none() | JSON_VALUES | st.just({"type": "search"}),
    },
)
RESPONSE = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXTS,
        "model": TEXTS,
        "status": st.sampled_from(["completed", "in_progress", "failed"]),
        "output": st.none() | st.lists(ITEM_OUT, max_size=3) | JSON_VALUES,
        "usage": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "input_tokens": COUNTS,
                "output_tokens": COUNTS,
                "total_tokens": COUNTS,
                "input_tokens_details": st.none()
                | st.dictionaries(
                    st.sampled_from(["cached_tokens", "cache_write_tokens", "x_tokens"]), COUNTS
                ),
            },
        ),
    },
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["response.created", "response.completed", "response.failed", "response.incomplete",
             "response.output_item.done", "response.output_text.delta", "error", "x"]
        )
    },
    optional={"response": RESPONSE, "item": ITEM_OUT, "delta": JSON_VALUES},
)  # fmt: skip
CUTS = st.lists(st.floats(0, 1), max_size=6)


@given(st.lists(EVENTS.map(dumped) | st.sampled_from([b"{", b"7", b""]), max_size=6), CUTS)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_a_stream_breaks_nothing_wherever_it_is_cut(datas: list[bytes], cuts: list[float]) -> None:
    """The same usage as whole; nothing is exact that a later event contradicts by more."""
    body = b"".join(b"data: " + data + b"\n\n" for data in datas)
    whole = ResponsesMeter(FACTS, 200, "text/event-stream")
    whole.feed(body)
    meter = ResponsesMeter(FACTS, 200, "text/event-stream")
    begin = 0
    for end in [*sorted(int(cut * len(body)) for cut in cuts), len(body)]:
        meter.feed(body[begin:end])
        meter.end(complete=False)
        meter.so_far()
        begin = end
    assert meter.end(complete=True) == whole.end(complete=True)


@given(st.lists(EVENTS, max_size=4), RESPONSE, CUTS)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_a_stream_with_one_ending_is_never_exact_too_early(
    before: list[dict[str, Any]], response: dict[str, Any], cuts: list[float]
) -> None:
    """As the API sends it: one ending, and nothing after."""
    endings = ("response.completed", "response.failed", "response.incomplete")
    middle = [each for each in before if each["type"] not in endings]
    last = {"type": "response.completed", "response": response}
    body = b"".join(b"data: " + dumped(each) + b"\n\n" for each in [*middle, last])
    assert_never_less_sure_than_it_says(
        lambda: ResponsesMeter(FACTS, 200, "text/event-stream"), body, cuts
    )


@given(RESPONSE.map(dumped) | st.binary(max_size=200), CUTS)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_a_json_answer_is_never_called_exact_too_early(body: bytes, cuts: list[float]) -> None:
    """Half an answer proves nothing."""
    assert_never_less_sure_than_it_says(
        lambda: ResponsesMeter(FACTS, 200, "application/json"), body, cuts
    )
