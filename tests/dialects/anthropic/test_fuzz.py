"""Hostile requests by the thousand: refused in words or bounded, never a crash.

`AGENTSPEND_FUZZ_EXAMPLES=100000` makes the long run.
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.facts import RequestFacts
from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.anthropic.envelope import KNOWN
from agentspend.dialects.anthropic.request import count_body, read_request, with_max_output
from agentspend.dialects.base import BadRequest
from tests.dialects.anthropic.requests import (
    FUZZ_EXAMPLES,
    JSON_VALUES,
    MINIMAL,
    REQUESTS,
    TOOLS,
    asking,
    dumped,
    saying,
)
from tests.dialects.cases import RECORDED

ANTHROPIC = Anthropic()

SHAPES = st.recursive(
    JSON_VALUES | st.sampled_from(["ephemeral", "1h", "image", "url", "web_search_1", 10**30, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "cache_control", "ttl", "source", "content", "role", "max_uses", "edits",
                 "model", "name", "budget_tokens", "tool_name", "format", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)  # fmt: skip
WILD = st.dictionaries(st.sampled_from(sorted(KNOWN)), SHAPES, max_size=6)
SPLICES = [
    b"\xff",
    b"\\u",
    b"\\ud800",
    b"\x00",
    b'"',
    b"[",
    b"}",
    b',"messages":[]',
    b"NaN",
    b"1e9",
]


def read(body: bytes) -> RequestFacts | None:
    """The facts of a body, as the proxy reads it; None when it is refused."""
    try:
        facts = read_request(body, in_nfc=not ANTHROPIC.needs_normalising(body))
    except BadRequest:
        return None
    assert facts.max_output_tokens >= 1
    assert facts.iterations >= 1
    assert facts.input_bound_tokens > 0
    assert facts.web_search_requests >= 0
    assert all(mark.added_tokens_bound >= 0 for mark in facts.prefixes)
    json.loads(with_max_output(body, 1))
    json.loads(count_body(body))
    return facts


@given(st.binary(max_size=200))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No bytes break the reader."""
    read(body)


@given(WILD)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_shape_is_read_or_refused(fields: dict[str, Any]) -> None:
    """Known fields with any value in them are bounded, named or refused."""
    read(dumped(fields, ascii_only=True))
    read(asking(**{k: v for k, v in fields.items() if k not in MINIMAL}))


@given(
    st.sampled_from(RECORDED) | REQUESTS.map(dumped),
    st.sampled_from(SPLICES) | st.binary(max_size=4),
    st.floats(0, 1),
    st.integers(0, 8),
)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_a_damaged_request_is_read_or_refused(
    body: bytes, splice: bytes, where: float, lost: int
) -> None:
    """A real request with a few bytes lost or put in breaks nothing."""
    at = int(where * len(body))
    read(body[:at] + splice + body[at + lost :])


@given(REQUESTS, TOOLS, st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_more_is_never_bounded_below_less(
    body: dict[str, Any], tools: list[Any], turns: int
) -> None:
    """Adding messages or tools never lowers a bound."""
    less = read(dumped(body))
    messages = body["messages"] * (1 + turns)
    more = read(dumped({**body, "messages": messages, "tools": body.get("tools", []) + tools}))
    assert less is not None
    assert more is not None
    assert more.input_bound_tokens > less.input_bound_tokens
    assert more.cache_ttl >= less.cache_ttl or (more.cache_ttl, less.cache_ttl) == ("1h", "5m")


@pytest.mark.parametrize("depth", [10, 500, 5_000, 200_000])
@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"type":"tool_result","content":'])
def test_nesting_is_bounded_or_refused(depth: int, opening: str) -> None:
    """However deep a request nests, it is answered at once."""
    closing = "".join({"[": "]", "{": "}"}[char] for char in reversed(opening) if char in "[{")
    deep = opening * depth + "1" + closing * depth
    read(saying({"type": "text", "text": "@"}).replace(b'"@"', deep.encode()))
    read(asking(system="@").replace(b'"@"', deep.encode()))
    read(asking(tools=["@"]).replace(b'"@"', deep.encode()))
    read(b'{"a" : ' + deep.encode() + b"}")
