"""Counting tokens: bounded, additive, and the same for what is sent back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.sandbox.anthropic.events import message_body
from agentspend.sandbox.anthropic.tokens import count_prompt, segments
from agentspend.sandbox.behaviour import Behaviour, counted
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.model import Answer, answer, count
from agentspend.sandbox.rules import RULES
from tests.sandbox.conftest import body

words = st.text(max_size=200)
blocks = st.one_of(
    st.builds(lambda t: {"type": "text", "text": t}, words),
    st.builds(lambda t: {"type": "tool_result", "tool_use_id": "x", "content": t}, words),
    st.builds(
        lambda n, t: {"type": "tool_use", "id": "x", "name": n, "input": {"a": t}}, words, words
    ),
    st.builds(lambda t: {"type": "image", "source": {"data": t}}, words),
    st.builds(lambda t: {"type": "search_result", "title": t}, words),
)
messages = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["user", "assistant"]),
    st.one_of(words, st.lists(blocks, max_size=4)),
)
tools = st.lists(
    st.builds(lambda n, d: {"name": n, "description": d, "input_schema": {}}, words, words),
    max_size=3,
)
rules = st.sampled_from(sorted(RULES))


@given(rules, st.lists(messages, min_size=1, max_size=5), tools, words)
def test_no_prompt_counts_above_the_worst_measured(
    rule: str, turns: list[Any], given_tools: list[Any], system: str
) -> None:
    """A request never has more than 2 tokens per ASCII byte and 3 per other byte of its body."""
    request = {"messages": turns, "tools": given_tools, "system": system}
    raw = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
    ascii_bytes = sum(letter.isascii() for letter in raw)
    other_bytes = len(raw.encode()) - ascii_bytes
    assert count_prompt(request, RULES[rule]) <= 2 * ascii_bytes + 3 * other_bytes


@pytest.mark.parametrize("length", [0, 10, 100, 1_000, 10_000])
def test_tools_add_their_prompt_within_the_worst_measured(length: int) -> None:
    """Tools cost more than their own text, and still at most 2 tokens per byte."""
    tool = {"name": "a", "description": "d" * length, "input_schema": {"type": "object"}}
    bare: dict[str, Any] = {"messages": [{"role": "user", "content": ""}]}
    raw = json.dumps({**bare, "tools": [tool]}, separators=(",", ":"))
    added = count_prompt({**bare, "tools": [tool]}, RULES["worst"]) - count_prompt(
        bare, RULES["worst"]
    )
    own = RULES["worst"].count(json.dumps(tool, separators=(",", ":")))
    assert own < added <= 2 * len(json.dumps(tool, separators=(",", ":"))) < 2 * len(raw)


@given(rules, st.lists(messages, min_size=1, max_size=4), st.lists(messages, max_size=4))
def test_a_longer_conversation_counts_as_before_plus_what_was_added(
    rule: str, first: list[Any], added: list[Any]
) -> None:
    """Counts of message lists add up, so the previous turn's count is a prefix of the next."""
    used = RULES[rule]
    whole = count_prompt({"messages": first + added}, used)
    assert whole == count_prompt({"messages": first}, used) + count_prompt(
        {"messages": added}, used
    )


@given(rules, st.lists(messages, min_size=1, max_size=5), tools, words)
def test_pieces_for_the_cache_add_up_to_the_prompt(
    rule: str, turns: list[Any], given_tools: list[Any], system: str
) -> None:
    """What the cache is billed by and what the prompt counts are the same tokens."""
    request = {"messages": turns, "tools": given_tools, "system": system}
    pieces = segments(request, RULES[rule])
    assert sum(piece.tokens for piece in pieces) == count_prompt(request, RULES[rule])


@given(rules, st.integers(1, 3_000), st.integers(0, 1_000), st.booleans())
def test_an_answer_sent_back_never_counts_above_its_output(
    rule: str, output: int, thinking: int, hidden: bool
) -> None:
    """Next turn's prompt is at most this turn's prompt + output + what the user adds."""
    shown = {"display": "omitted"} if hidden else {}
    request = body(thinking={"type": "adaptive", **shown})
    behaviour = Behaviour(output_tokens=output, thinking_tokens=thinking, tokens=rule)
    found = answer(request, behaviour)
    assert isinstance(found, Answer)
    assert found.usage.output_tokens == output
    content = json.loads(message_body(found))["content"]
    echoed = {"messages": [{"role": "assistant", "content": content}]}
    assert count_prompt(echoed, RULES[rule]) <= output


def test_ratios_are_those_measured() -> None:
    """Code counts 0.36 to 0.5 tokens a byte, a fifth less on older models, and 5/3 at worst."""
    code = "for name in sorted(found):\n    print(name, found[name])\n" * 200
    texts = [code[start:] for start in range(500)]
    newer = [RULES["code"].count(text) / len(text) for text in texts]
    older = [RULES["code-4.6"].count(text) / len(text) for text in texts]
    assert 0.359 < min(newer) < 0.37
    assert 0.49 < max(newer) < 0.501
    assert sum(newer) / sum(older) == pytest.approx(1.27, abs=0.02)
    assert RULES["worst"].count("~ZZ" * 1_000) == 5_001
    assert RULES["worst"].count("\U0001d160") == 12
    asked = body(messages=[{"role": "user", "content": code}])
    assert count({**asked, "model": "claude-sonnet-4-6"}) != count(asked)


@given(st.integers(1, 10_000_000), st.integers(-1_000_000, 1_000_000))
def test_count_tokens_is_never_further_under_than_measured(true: int, off: int) -> None:
    """The result plus the larger of 2 % and 1,024 always reaches the true count."""
    said = counted(true, off)
    assert said + max(said * 2 / 100, 1_024) >= true
    assert said >= 1


@pytest.mark.parametrize(("off", "said"), [(0, 60_000), (-900, 59_100), (-9_000, 58_824)])
def test_count_tokens_error_is_as_asked_within_the_limit(off: int, said: int) -> None:
    """An asked-for error is used, up to 2 %."""
    assert counted(60_000, off) == said


def test_count_tokens_refuses_an_unknown_model() -> None:
    """Counting needs a tokenizer, so an unknown model is not found."""
    found = count(body(model="claude-opus-77"))
    assert isinstance(found, ApiError)
    assert found.status == 404
