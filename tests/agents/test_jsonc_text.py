"""One value changed in a JSON text: all else stays, and taking it out gives all of it back."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentspend.agents.jsonc_text import is_empty_object, raw, with_raw, with_value, without
from agentspend.agents.places import parse_jsonc

URL = "http://127.0.0.1:4141/k/ask-x"
EXAMPLES = [
    ('{}\n', '{\n  "env": {\n    "URL": "u"\n  }\n}\n'),
    ("", '{\n  "env": {\n    "URL": "u"\n  }\n}\n'),
    ('{"a": 1}', '{"a": 1, "env": {"URL": "u"}}'),
    ('{"a": 1, }', '{"a": 1, "env": {"URL": "u"}, }'),
    ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"env": {\n\t\t"URL": "u"\n\t}\n}\n'),
    ('{\r\n "a": [1,\r\n 2]\r\n}',
     '{\r\n "a": [1,\r\n 2],\r\n "env": {\r\n  "URL": "u"\r\n }\r\n}'),
    (
        '{\n  // mine\n  "a": 1, // one\n  "b": 2 // two\n  /* end */\n}',
        ('{\n  // mine\n  "a": 1, // one\n  "b": 2, // two\n  "env": {\n    "URL": "u"\n  }\n  '
         "/* end */\n}"),
    ),
    ('{\n  "a": 1,\n}', '{\n  "a": 1,\n  "env": {\n    "URL": "u"\n  },\n}'),
    ('{"env": {"A": "}"}, "b": "//"}', '{"env": {"A": "}", "URL": "u"}, "b": "//"}'),
    ('{\n  "env": {\n    "A": "1"\n  },\n  "b": 2\n}',
     '{\n  "env": {\n    "A": "1",\n    "URL": "u"\n  },\n  "b": 2\n}'),
    ('{\n  "env": {}\n}\n', '{\n  "env": {\n    "URL": "u"\n  }\n}\n'),
    ('{\n  // nothing yet\n}\n', '{\n  // nothing yet\n  "env": {\n    "URL": "u"\n  }\n}\n'),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), EXAMPLES)
def test_a_new_value_is_written_as_its_neighbours_are(before: str, after: str) -> None:
    """In their indentation and with their ends of lines; remarks stay where they were."""
    assert with_value(before, ("env", "URL"), "u") == after
    assert raw(after, ("env", "URL")) == '"u"'


@pytest.mark.parametrize(("before", "after"), [each for each in EXAMPLES if "\n" in each[0]])
def test_taken_out_the_text_is_what_it_was(before: str, after: str) -> None:
    """To the byte, when the object that was made for it goes as well."""
    text = without(after, ("env", "URL"))
    if '"env"' not in before:
        assert is_empty_object(text, ("env",))
        text = without(text, ("env",))
    assert text == before


def test_a_value_that_is_there_is_replaced_and_put_back_as_it_was_written() -> None:
    """Also one of another kind, spelled unlike we would."""
    before = '{"env" : {"URL":  [ 1,2 ] // odd\n}}'
    kept = raw(before, ("env", "URL"))
    assert kept == "[ 1,2 ]"
    after = with_value(before, ("env", "URL"), "u")
    assert after == '{"env" : {"URL":  "u" // odd\n}}'
    assert with_raw(after, ("env", "URL"), kept) == before


def test_of_two_members_the_later_counts() -> None:
    """As every reader of JSON has it."""
    text = '{"a": 1, "a": 2}'
    assert raw(text, ("a",)) == "2"
    assert with_value(text, ("a",), 3) == '{"a": 1, "a": 3}'


def test_what_is_not_there_changes_nothing() -> None:
    """No member, or no object on the way."""
    assert without('{"a": 1}', ("env", "URL")) == '{"a": 1}'
    assert raw('{"a": 1}', ("a", "b")) is None
    assert raw("", ("a",)) is None


@pytest.mark.parametrize(
    "text", ["[]", "1", "{", '{"a" 1}', '{"a": 1 "b": 2}', '{"a": }', "{} {}", '{"a": x}', '{a: 1}',
             "[" * 200, '{"a":' * 200]
)  # fmt: skip
def test_a_text_that_is_no_object_is_left_alone(text: str) -> None:
    """`ValueError`, and nothing written."""
    with pytest.raises(ValueError):
        with_value(text, ("env", "URL"), "u")


def test_a_value_in_the_way_is_not_replaced_by_an_object() -> None:
    """`"env": "off"` is somebody's own."""
    with pytest.raises(ValueError, match="env is not an object"):
        with_value('{"env": "off"}', ("env", "URL"), "u")


NAMES = st.text('ab"\\/{}[],: ü\n', max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)
BLANKS = st.sampled_from(["", " ", "\n", "\n  ", ' // x, { "\n', "/* }, */", "\r\n\t"])


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An object, and a text of it with remarks, blanks and trailing commas anywhere."""

    def write(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + items([f"{json.dumps(k)}{blank()}:{blank()}{write(v)}"
                                for k, v in value.items()]) + "}"  # fmt: skip
        if isinstance(value, list):
            return "[" + items([write(each) for each in value]) + "]"
        return json.dumps(value)

    def items(written: list[str]) -> str:
        tail = "," if written and draw(st.booleans()) else ""
        return blank() + f"{blank()},{blank()}".join(written) + blank() + tail + blank()

    def blank() -> str:
        return str(draw(BLANKS))

    found = draw(OBJECTS)
    return blank() + write(found) + blank(), found


@given(texts(), st.lists(NAMES, min_size=1, max_size=3))
def test_any_text_reads_as_it_did_with_one_value_more(
    text: tuple[str, dict[str, Any]], keys: list[str]
) -> None:
    """And as it did before when the value is taken out again."""
    before, content = text
    try:
        after = with_value(before, keys, URL)
    except ValueError:
        assume(False)
    expected = json.loads(json.dumps(content))
    inner, made = expected, []
    for depth, name in enumerate(keys[:-1]):
        if name not in inner:
            made.append(keys[: depth + 1])
            inner[name] = {}
        inner = inner[name]
    old = inner.get(keys[-1])
    was = keys[-1] in inner
    inner[keys[-1]] = URL
    assert parse_jsonc(after) == expected
    assert list(parse_jsonc(after)) == list(expected)

    if was:
        assert parse_jsonc(with_value(after, keys, old)) == content
        return
    text_again = without(after, keys)
    for path in reversed(made):
        assert is_empty_object(text_again, path)
        text_again = without(text_again, path)
    assert parse_jsonc(text_again) == content
