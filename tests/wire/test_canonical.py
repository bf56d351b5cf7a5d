"""Canonical JSON: the bytes RFC 8785 would write, and nothing else is read."""

import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.wire.canonical import MAX_INT, NotCanonical, canonical, parse

KEYS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-MAX_INT, MAX_INT),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_bytes_equal_rfc_8785(value: object) -> None:
    """Any value of the subset is written as the rfc8785 package writes it, and read back."""
    body = canonical(value)

    assert body == rfc8785.dumps(value)  # type: ignore[arg-type]
    assert parse(body) == value


def test_every_control_and_plane_edge_character_equals_rfc_8785() -> None:
    """Characters with escapes of their own, and the edges of the planes, agree one by one."""
    for code in [*range(0x180), 0x2028, 0x2029, 0xFEFF, 0xFFFF, 0x10000, 0x10FFFF]:
        assert canonical(chr(code)) == rfc8785.dumps(chr(code)), hex(code)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        MAX_INT + 1,
        -MAX_INT - 1,
        {"Key": 1},
        {"": 1},
        {"a-b": 1},
        {"ä": 1},
        {1: 1},
        {"a": [{"b": 0.5}]},
        b"bytes",
        {"a", "b"},
        "\ud800",
    ],
)
def test_values_outside_the_subset_are_refused(value: object) -> None:
    """Floats, large integers, foreign keys and foreign types have no canonical form."""
    with pytest.raises(NotCanonical):
        canonical(value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":9007199254740992}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u000A"}',
        b'{"A":1}',
        b'{"a":"\\ud800"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xff"}',
        b"{'a':1}",
        b"[" * 5000 + b"]" * 5000,
        b"[" * 40 + b"]" * 40,
        b"",
    ],
)
def test_bytes_that_writing_again_would_change_are_refused(body: bytes) -> None:
    """Repeated keys, spaces, floats, other escapes and other orders are not canonical."""
    with pytest.raises(NotCanonical):
        parse(body)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, LEAVES, min_size=1, max_size=5), st.integers(0, 3))
def test_a_pretty_printed_body_is_refused(value: dict[str, object], indent: int) -> None:
    """Only one spelling is accepted, however harmless the other looks."""
    pretty = json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False).encode()

    with pytest.raises(NotCanonical):
        parse(pretty)
