"""Tags in an OpenAI body: read, taken out, and nothing else touched."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.dialects.base import BadRequest
from agentspend.dialects.openai_tags import take_tags

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def test_the_form_that_clients_send() -> None:
    """Emptied metadata goes too: OpenAI never sees a trace of it."""
    body = (
        b'{"model":"gpt-4.1-mini","metadata":{"tags":["project:payments-refactor","team:backend",'
        b'"agent:claude-code"]},"messages":[{"role":"user","content":"hi"}]}'
    )

    assert take_tags(body) == (
        b'{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"hi"}]}',
        ["project:payments-refactor", "team:backend", "agent:claude-code"],
    )


def test_the_rest_of_the_metadata_stays_byte_for_byte() -> None:
    """Also a number or an escape that writing it again would spell otherwise."""
    body = rb'{"metadata": {"a": "\u00e9", "tags": [], "b": 1.50}, "input": [1.0, "\u0041"]}'

    assert take_tags(body) == (
        rb'{"metadata":{"a":"\u00e9","b":1.50},"input":[1.0, "\u0041"]}',
        [],
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"metadata": {"tags": "mine, for OpenAI"}}',
        b'{"metadata": {"tags": null}}',
        b'{"metadata": "tags", "tags": ["x"]}',
        b'{"metadata": null, "tags": ["x"]}',
        b'{"messages": [{"metadata": {"tags": ["x"]}}]}',
        b'{"input": "\\"metadata\\": {\\"tags\\": [\\"x\\"]}"}',
    ],
)
def test_what_only_looks_like_tags_is_left_alone(body: bytes) -> None:
    """A string called tags is OpenAI's own, and so is every list elsewhere."""
    assert take_tags(body) == (body, [])


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"metadata": {"tags": ["a", 1]}}', "metadata.tags"),
        (b'{"metadata": {"tags": [["a"]]}}', "metadata.tags"),
        (b'{"metadata": {"tags": ["a"]}, "metadata": {"tags": []}}', "metadata"),
        (b'{"metadata": {"tags": ["a"]', "JSON"),
    ],
)
def test_tags_that_cannot_be_read_are_said(body: bytes, word: str) -> None:
    """A tag that is dropped without a word would leave its budget without one either."""
    with pytest.raises(BadRequest, match=word):
        take_tags(body)


@given(
    rest=st.dictionaries(st.text(max_size=8), JSON, max_size=4),
    metadata=st.dictionaries(st.text(max_size=8), JSON, max_size=3),
    tags=st.lists(st.text(max_size=8), max_size=3),
)
def test_whatever_else_a_body_holds_comes_through(
    rest: dict[str, Any], metadata: dict[str, Any], tags: list[str]
) -> None:
    """The body that goes on is the body without the tags, value by value and in order."""
    whole = {**rest, "metadata": {**metadata, "tags": tags}}
    expected = {**whole, "metadata": {k: v for k, v in metadata.items() if k != "tags"}}
    if not expected["metadata"]:
        del expected["metadata"]

    body, found = take_tags(json.dumps(whole).encode())

    assert found == tags
    assert list(json.loads(body).items()) == list(expected.items())
