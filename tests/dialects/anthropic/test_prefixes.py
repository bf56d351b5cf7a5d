"""A known conversation is found again, and nothing that weighs more passes for it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.conversation import Known, Turn
from agentspend.core.limits import MAX_PREFIXES_LOOKED_UP
from agentspend.dialects.anthropic import prefixes
from agentspend.dialects.anthropic.contents import first_mark
from agentspend.dialects.anthropic.request import read_request
from agentspend.sandbox.tokens import RULES, count_prompt
from tests.dialects.anthropic.requests import MARK, MARK_1H, MESSAGES, MINIMAL, TOOLS, dumped
from tests.dialects.cases import RECORDED

MARKED = {"type": "text", "text": "a", "cache_control": MARK}


def turns(*contents: Any, **fields: Any) -> bytes:
    """A conversation whose turns have these contents."""
    messages = [{"role": "user", "content": content} for content in contents]
    return dumped({**MINIMAL, "messages": messages, **fields})


def added(before: bytes, after: bytes) -> int | None:
    """The bound of what `after` adds to the whole of `before`; None when it is not recognised."""
    whole = read_request(before).prefixes[0].digest
    marks = [mark for mark in read_request(after).prefixes if mark.digest == whole]
    return marks[0].added_tokens_bound if marks else None


@pytest.mark.parametrize("turn", [0, 1])
def test_claude_codes_next_request_holds_the_one_before(turn: int) -> None:
    """Recorded: the marks move and text changes its form, and the conversation is still known."""
    found = added(RECORDED[turn], RECORDED[turn + 1])
    assert found is not None
    fresh = json.loads(RECORDED[turn + 1])["messages"][
        len(json.loads(RECORDED[turn])["messages"]) :
    ]
    assert 2 * len(json.dumps(fresh)) <= found + 200
    assert found < read_request(RECORDED[turn + 1]).input_bound_tokens // 4


def test_there_is_a_mark_for_each_message_newest_first() -> None:
    """The first mark is the whole request; each next one adds a message to what came after."""
    marks = read_request(turns("a", "b" * 50, "c" * 100)).prefixes
    assert len(marks) == len({mark.digest for mark in marks}) == 3
    bounds = [mark.added_tokens_bound for mark in marks]
    assert bounds[0] == 0
    assert bounds[1] >= 200
    assert bounds[2] >= 300


def test_only_so_many_messages_are_looked_up() -> None:
    """A long conversation is known by its newest messages."""
    marks = read_request(turns(*map(str, range(3 * MAX_PREFIXES_LOOKED_UP)))).prefixes
    assert len(marks) == MAX_PREFIXES_LOOKED_UP


@pytest.mark.parametrize("mark", [MARK, MARK_1H, None])
@pytest.mark.parametrize("first", [False, True])
def test_a_moved_mark_changes_no_conversation(mark: object, first: bool) -> None:
    """Marks come and go between turns, before or after a block's other fields."""
    block: dict[str, Any] = {"type": "text", "text": "a"}
    marked = {"cache_control": mark, **block} if first else {**block, "cache_control": mark}
    assert added(turns([block, block]), turns([block, marked], "b")) is not None
    assert added(turns([marked, block]), turns([block, block])) == 0
    assert added(turns([block]), turns("a", "b")) is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"system": "other"},
        {"tools": [{"name": "t"}]},
        {"model": "other"},
        {"thinking": {"type": "adaptive"}},
        {"tool_choice": {"type": "any"}},
        {"output_config": {"effort": "high"}},
        {"output_format": {"type": "json_schema"}},
        {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
        {"betas": ["x"]},
        {"container": "c"},
        {"speed": "fast"},
        {"field_of_2027": 1},
    ],
)
def test_another_prompt_is_another_conversation(fields: dict[str, Any]) -> None:
    """The same messages under other words, which may clear or add input, prove nothing."""
    assert added(turns("a"), turns("a", "b", **fields)) is None
    assert added(turns("a", **fields), turns("a", "b")) is None
    assert added(turns("a", **fields), turns("a", "b", **fields)) is not None


@pytest.mark.parametrize("field", ["metadata", "max_tokens", "stream", "temperature"])
def test_words_that_are_no_prompt_change_no_conversation(field: str) -> None:
    """What differs without a token is not compared: a clamp, a retry without streaming."""
    values = {"metadata": {"user_id": "v"}, "max_tokens": 7, "stream": True, "temperature": 1}
    assert added(turns("a"), turns("a", "b", **{field: values[field]})) is not None


def test_what_hides_in_a_false_mark_is_weighed() -> None:
    """A tool's input may hold a key named like a mark: what is left out of the digest is added."""
    call = {"type": "tool_use", "id": "t", "name": "n"}
    long = {"cache_control": {"type": "ephemeral", "note": "word " * 900}}
    assert added(turns([{**call, "input": {"a": 1}}]), turns([{**call, "input": long}])) is None
    empty = turns([{**call, "input": {"a": [{"b": 1}] * 500}}])
    full = turns([{**call, "input": {"a": [{"b": 1, "cache_control": MARK}] * 500}}])
    assert (added(empty, full) or 0) >= 500 * 2 * len(b'"cache_control":{"type":"ephemeral"}')


def test_a_field_said_twice_is_not_read_as_said_once() -> None:
    """A message that hides a long content behind a short one is not the short one."""
    plain = turns("a")
    hidden = plain.replace(b'"content":"a"', b'"content":"%b","content":"a"' % (b"x" * 500))
    assert added(plain, hidden) is None


def test_messages_cut_elsewhere_are_another_conversation() -> None:
    """Two messages are never one, whatever stands in them."""
    assert added(turns("a", "b"), turns("ab")) is None
    assert added(turns(["a"]), turns("a")) is None
    assert added(turns("a", "b"), turns("b", "a")) is None


@given(MESSAGES, MESSAGES, TOOLS, st.sampled_from(sorted(RULES)), st.integers(1, 2_000))
@settings(max_examples=100, deadline=None)
def test_a_known_turn_bounds_the_next(
    old: list[Any], new: list[Any], tools: list[Any], rule: str, output: int
) -> None:
    """The provider's own count of the last turn, and the bound of the rest, are never too low."""
    before = {**MINIMAL, "tools": tools, "messages": old}
    after = {**before, "messages": [*old, *new]}
    found = added(dumped(before), dumped(after))
    assert found is not None
    known = Known(Turn(count_prompt(before, RULES[rule]), output), found)
    assert known.input_tokens_bound() >= count_prompt(after, RULES[rule])


PIECES = st.sampled_from(
    ["{", "}", ",", " ", "\n", '"a":1', '"text":"x, y"', '"cache_control"', ":", "null",
     '"cache_control":{"type":"ephemeral"}', '"cache_control" : {"type":"ephemeral","ttl":"1h"}']
)  # fmt: skip


@given(st.lists(PIECES, max_size=20).map("".join).map(str.encode))
def test_marks_are_taken_out_alike_wherever_the_search_begins(raw: bytes) -> None:
    """Beginning at the first mark takes out what beginning at the first byte does."""
    whole = prefixes._MARK_FIRST.sub(b"", prefixes._MARK.sub(b"", raw))
    assert b"".join(prefixes._unmarked(raw, first_mark(raw))) == whole
