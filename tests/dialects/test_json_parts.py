"""A JSON object taken apart: bytes kept, and nothing that two parsers could read differently."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.dialects.base import BadRequest
from agentspend.dialects.json_parts import put_together, take_apart, with_model

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)
STYLES = [
    {"separators": (",", ":")},
    {"separators": (", ", ": ")},
    {"indent": 2},
    {"ensure_ascii": False},
]


@given(OBJECTS, st.sampled_from(STYLES))
def test_every_value_keeps_its_bytes(value: dict[str, Any], style: dict[str, Any]) -> None:
    """Taken apart and put together, an object is the same, whatever its spaces are."""
    try:
        body = json.dumps(value, **style).encode()
        parts = take_apart(body)
    except (UnicodeEncodeError, BadRequest):
        assert any("\ud800" <= char <= "\udfff" for char in json.dumps(value, ensure_ascii=False))
        return
    assert json.loads(put_together(parts)) == value
    assert all(bytes(raw) in body for raw in parts.values())


@pytest.mark.parametrize(
    "body",
    [
        b'{"max_tokens":1,"max_tokens":2}',
        b'{"max_tokens":1, "max_tokens":2}',
        b'{"max_tokens":1,"max\\u005ftokens":2}',
        b'{ "max_tokens" : 1 , "a":[1,2,{}] , "max_tokens" : 2 }\n',
        # As long as the same object with its first pair left out and spaces put in.
        (
            b'{"max_tokens":1000000,"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,'
            b'"max_tokens":1}'
        ),
    ],
)
def test_a_key_that_stands_twice_is_refused(body: bytes) -> None:
    """A key cannot be said twice, in any spelling, style or disguise."""
    with pytest.raises(BadRequest, match="max_tokens: the key stands more than once"):
        take_apart(body)


@given(OBJECTS, st.sampled_from(STYLES), st.integers(1, 10**9), st.integers(0, 30))
def test_a_repeated_key_never_passes(
    value: dict[str, Any], style: dict[str, Any], more: int, spaces: int
) -> None:
    """Whatever stands around it, the second of two equal keys is seen."""
    rest = json.dumps({**value, "k": 1}, **style).encode("utf-8", "backslashreplace")
    body = b'{"k":%d,%b%b' % (more, b" " * spaces, rest[1:])
    with pytest.raises(BadRequest):
        take_apart(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a":1}}',
        b'{"a":NaN}',
        b"\xef\xbb\xbf{}",
        b"\x1f\x8b\x08\x00",
        b"{\xff}",
    ],
)
def test_anything_but_one_object_is_refused(body: bytes) -> None:
    """A list, a broken, a compressed or an oddly encoded body is refused as not being an object."""
    with pytest.raises(BadRequest, match="not a JSON object"):
        take_apart(body)


@pytest.mark.parametrize("depth", [200, 100_000])
def test_nesting_without_end_is_refused_not_raised(depth: int) -> None:
    """However deep it goes, a body is taken apart or refused."""
    body = b'{"a" :' + b"[" * depth + b"]" * depth + b"}"
    try:
        assert msgspec.Raw(b"[" * depth + b"]" * depth) == take_apart(body)["a"]
    except BadRequest:
        assert depth > 200


def test_another_model_leaves_every_other_byte() -> None:
    """Numbers and escapes as they were; a model that was missing is added."""
    body = b'{"model": "a", "temperature": 1.0, "messages": [{"content": "\\u00e4"}]}'
    changed = with_model(body, 'b"')
    assert changed == b'{"model":"b\\"","temperature":1.0,"messages":[{"content": "\\u00e4"}]}'
    assert with_model(b"{}", "b") == b'{"model":"b"}'
