"""Counting what is sent to OpenAI: never above its bytes, additive, the same sent back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import Behaviour, text, tool
from agentspend.sandbox.model import answer
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES
from agentspend.sandbox.openai.model import rule_for
from agentspend.sandbox.openai.tokens import count_prompt
from agentspend.sandbox.rules import RULES
from tests.sandbox.conftest import chat, response

words = st.text(max_size=200)
parts = st.one_of(
    st.builds(lambda t: {"type": "text", "text": t}, words),
    st.builds(lambda t: {"type": "input_text", "text": t}, words),
    st.builds(lambda t: {"type": "image_url", "image_url": {"url": "data:" + t}}, words),
    st.builds(lambda t: {"type": "input_audio", "data": t}, words),
)
said = st.one_of(words, st.lists(parts, max_size=3))
calls = st.builds(lambda n, a: {"id": "c", "function": {"name": n, "arguments": a}}, words, words)
messages = st.builds(
    lambda role, content, tool_calls: {"role": role, "content": content, "tool_calls": tool_calls},
    st.sampled_from(["user", "assistant", "system", "tool"]),
    said,
    st.lists(calls, max_size=2),
)
items = st.one_of(
    messages,
    st.builds(lambda n, a: {"type": "function_call", "name": n, "arguments": a}, words, words),
    st.builds(lambda n, a: {"type": "custom_tool_call", "name": n, "input": a}, words, words),
    st.builds(lambda o: {"type": "function_call_output", "output": o}, said),
    st.builds(lambda o: {"type": "reasoning", "encrypted_content": o}, words),
    st.builds(lambda d: {"type": "additional_tools", "tools": [{"description": d}]}, words),
)
tools = st.lists(st.builds(lambda n, d: {"name": n, "description": d}, words, words), max_size=3)
rules = st.sampled_from(sorted(RULES))


@given(rules, st.lists(items, max_size=5), tools, words)
def test_no_prompt_counts_above_its_bytes(
    rule: str, turns: list[Any], given_tools: list[Any], system: str
) -> None:
    """The bytes of the body are the bound that no byte-level BPE passes."""
    used = RULES[rule].bytewise()
    bodies: list[dict[str, Any]] = [
        {"messages": turns, "tools": given_tools},
        {"input": turns, "tools": given_tools, "instructions": system},
    ]
    for request in bodies:
        raw = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
        assert count_prompt(request, used) <= len(raw.encode("utf-8", "surrogatepass"))


@given(rules, st.lists(items, max_size=4), st.lists(items, max_size=4))
def test_a_longer_conversation_counts_as_before_plus_what_was_added(
    rule: str, first: list[Any], added: list[Any]
) -> None:
    """The previous turn's count is a prefix of the next one's."""
    used = RULES[rule].bytewise()
    whole = count_prompt({"input": first + added}, used)
    assert whole == count_prompt({"input": first}, used) + count_prompt({"input": added}, used)


@given(rules, st.integers(1, 3_000), st.integers(0, 1_000))
def test_a_response_sent_back_never_counts_above_its_output(
    rule: str, output: int, thinking: int
) -> None:
    """Reasoning, words and calls come back as items of the next input."""
    how = Behaviour(output_tokens=output, thinking_tokens=thinking, tokens=rule)
    request = response(include=["reasoning.encrypted_content"])
    found = answer(request, how, dialect=RESPONSES)
    assert isinstance(found, Answer)
    echoed = {"input": json.loads(RESPONSES.whole(found))["output"]}
    assert count_prompt(echoed, rule_for(how)) <= found.usage.output_tokens


def test_a_completion_sent_back_never_counts_above_its_output() -> None:
    """Words and tool calls come back as an assistant's message."""
    how = Behaviour(answer=(text("I look é."), tool("read_file", path="a.py")))
    found = answer(chat(), how, dialect=CHAT)
    assert isinstance(found, Answer)
    message = json.loads(CHAT.whole(found))["choices"][0]["message"]
    assert 0 < count_prompt({"messages": [message]}, rule_for(how)) <= found.usage.output_tokens


def test_a_picture_by_address_costs_what_its_body_does_not_show() -> None:
    """Its pixels are not in the request, so its bytes bound nothing."""
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    turn = {"role": "user", "content": [part]}
    assert count_prompt({"messages": [turn]}, RULES["prose"]) > len(json.dumps(turn))


def test_ratios_are_those_measured() -> None:
    """Code counts 0.25 to 0.34 tokens a byte."""
    code = "for name in sorted(found):\n    print(name, found[name])\n" * 200
    ratios = [RULES["code-o200k"].count(code[n:]) / len(code[n:]) for n in range(300)]
    assert min(ratios) == pytest.approx(0.247, abs=0.002)
    assert max(ratios) == pytest.approx(0.336, abs=0.002)
