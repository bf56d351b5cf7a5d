"""Counting what is sent to Gemini."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import Behaviour, text, tool
from agentspend.sandbox.gemini.dialect import GEMINI
from agentspend.sandbox.gemini.model import rule_for
from agentspend.sandbox.gemini.tokens import count_prompt
from agentspend.sandbox.model import answer
from agentspend.sandbox.rules import RULES
from tests.sandbox.conftest import content

words = st.text(max_size=200)
parts = st.one_of(
    st.builds(lambda t: {"text": t}, words),
    st.builds(lambda t: {"text": t, "thought": True}, words),
    st.builds(lambda n, t: {"functionCall": {"name": n, "args": {"a": t}}}, words, words),
    st.builds(lambda t: {"functionResponse": {"name": "n", "response": {"output": t}}}, words),
    st.builds(lambda t: {"inlineData": {"mimeType": "image/png", "data": t}}, words),
    st.builds(lambda t: {"text": "", "thoughtSignature": t}, words),
)
turns = st.builds(
    lambda role, given: {"role": role, "parts": given},
    st.sampled_from(["user", "model"]),
    st.lists(parts, max_size=3),
)
rules = st.sampled_from(sorted(RULES))


@given(rules, st.lists(turns, max_size=5), words)
def test_no_prompt_counts_above_the_worst_measured(
    rule: str, history: list[Any], system: str
) -> None:
    """Never more than 2 tokens per ASCII byte and 3 per other byte of the body."""
    request = {"contents": history, "systemInstruction": {"parts": [{"text": system}]}}
    raw = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
    ascii_bytes = sum(letter.isascii() for letter in raw)
    other_bytes = len(raw.encode("utf-8", "surrogatepass")) - ascii_bytes
    assert count_prompt(request, RULES[rule]) <= 2 * ascii_bytes + 3 * other_bytes


@given(rules, st.lists(turns, max_size=4), st.lists(turns, max_size=4))
def test_a_longer_conversation_counts_as_before_plus_what_was_added(
    rule: str, first: list[Any], added: list[Any]
) -> None:
    """The previous turn's count is a prefix of the next one's."""
    used = RULES[rule]
    whole = count_prompt({"contents": first + added}, used)
    assert whole == count_prompt({"contents": first}, used) + count_prompt(
        {"contents": added}, used
    )


@given(rules, st.integers(1, 3_000), st.integers(0, 1_000), st.booleans())
def test_an_answer_sent_back_never_counts_above_its_output(
    rule: str, output: int, thinking: int, shown: bool
) -> None:
    """Thoughts shown and signed come back, and count once."""
    config = {"thinkingConfig": {"includeThoughts": shown}}
    calls = (text("I look."), tool("read_file", path="é.py"))
    for said in ((), calls):
        how = Behaviour(answer=said, output_tokens=output, thinking_tokens=thinking, tokens=rule)
        found = answer(content(generationConfig=config), how, dialect=GEMINI)
        assert isinstance(found, Answer)
        echoed = json.loads(GEMINI.whole(found))["candidates"][0]["content"]
        assert count_prompt({"contents": [echoed]}, rule_for(how)) <= found.usage.output_tokens


def test_a_signature_that_stands_for_nothing_counts_nothing() -> None:
    """Gemini CLI signs its calls with a fixed word where the model gave no signature."""
    call = {"functionCall": {"name": "ls", "args": {}}}
    signed = {**call, "thoughtSignature": "skip_thought_signature_validator"}
    plain, marked = ({"contents": [{"role": "model", "parts": [part]}]} for part in (call, signed))
    assert count_prompt(plain, RULES["prose"]) == count_prompt(marked, RULES["prose"])
