"""Every dialect without sockets: what holds for all of them, and what they are told to do."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.anthropic.dialect import MESSAGES
from agentspend.sandbox.behaviour import (
    NORMAL,
    Behaviour,
    BehaviourError,
    PromptUsage,
    behaviour_from,
    text,
    tool,
)
from agentspend.sandbox.content import asks_json, example
from agentspend.sandbox.dialect import Dialect
from agentspend.sandbox.gemini.dialect import GEMINI
from agentspend.sandbox.model import answer, count
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES
from tests.sandbox.conftest import body, chat, content, response

Request = Callable[..., dict[str, Any]]
DIALECTS: list[tuple[Dialect, Request, str]] = [
    (MESSAGES, body, "messages"),
    (CHAT, chat, "messages"),
    (RESPONSES, response, "input"),
    (GEMINI, content, "contents"),
]
each = pytest.mark.parametrize(
    ("dialect", "request_of", "history"), DIALECTS, ids=[dialect.name for dialect, _, _ in DIALECTS]
)

FIELDS = (
    "type", "text", "content", "cache_control", "input", "source", "schema", "format", "role",
    "parts", "functionCall", "name", "args", "arguments", "output", "tool_calls", "function",
    "encrypted_content", "thoughtSignature", "summary", "tools", "image_url", "thinkingConfig",
    "responseJsonSchema", "responseMimeType", "maxOutputTokens", "candidateCount", "ttl", "mode",
    "include_usage", "prompt_cache_breakpoint", "json_schema", "properties", "enum", "minimum",
)  # fmt: skip
KINDS = (
    "text", "tool_use", "tool_result", "thinking", "image", "object", "function", "custom",
    "namespace", "message", "reasoning", "function_call", "custom_tool_call_output", "input_text",
    "input_image", "additional_tools", "json_schema", "array",
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
        | st.builds(
            lambda kind, rest: {**rest, "type": kind},
            st.sampled_from(KINDS),
            st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
        )
    ),
    max_leaves=8,
)
OPTIONS = (
    "system", "tools", "thinking", "output_config", "speed", "cache_control", "max_tokens", "n",
    "stream", "stream_options", "max_completion_tokens", "max_output_tokens", "service_tier",
    "instructions", "text", "include", "response_format", "prompt_cache_options", "reasoning",
    "prompt_cache_retention", "previous_response_id", "background", "systemInstruction",
    "generationConfig", "cachedContent", "serviceTier", "generateContentRequest", "alt", "model",
)  # fmt: skip
tellings = st.sampled_from(
    [
        NORMAL,
        Behaviour(refusal=True),
        Behaviour(thinking_tokens=40, output_tokens=50, deltas=3),
        Behaviour(answer=(text("hi é"), tool("exec", input="1"), tool("Bash", command="ls"))),
        Behaviour(usage=PromptUsage(input_tokens=5, cache_read_input_tokens=300_000)),
        Behaviour(web_search_requests=2, late_input_tokens=9, error_after_events=2),
        Behaviour(service_tier="scale-x", response_model="gpt-99", inference_geo="eu"),
    ]
)


@each
@given(values, st.dictionaries(st.sampled_from(OPTIONS), values, max_size=4), tellings)
def test_no_request_breaks_the_provider(
    dialect: Dialect,
    request_of: Request,
    history: str,
    turns: Any,
    options: dict[str, Any],
    how: Behaviour,
) -> None:
    """Any JSON gets an answer or an error of the API's own, never a crash; what is generated
    only grows, and so does what is owed."""
    if how.inference_geo and dialect is MESSAGES:
        how = NORMAL
    request = {**request_of(), history: turns, **options}
    count(request, how, dialect=dialect)
    found = answer(request, how, dialect=dialect)
    if not isinstance(found, Answer):
        json.loads(dialect.error_body(found, "req_1"))
        return
    assert found.usd() >= found.usd_at_start() >= 0
    assert isinstance(json.loads(dialect.whole(found)), dict)
    made = [step.tokens for step in dialect.stream(found)]
    assert made == sorted(made)
    assert made[-1] == found.usage.output_tokens
    owed = [found.usd_after(tokens) for tokens in made]
    assert owed == sorted(owed)


@each
def test_the_same_seed_and_number_say_the_same(
    dialect: Dialect, request_of: Request, history: str
) -> None:
    """Chance is drawn from the seed and the request's number alone."""
    first = answer(request_of(), seed=3, number=9, dialect=dialect)
    assert first == answer(request_of(), seed=3, number=9, dialect=dialect)
    assert first != answer(request_of(), seed=3, number=10, dialect=dialect)


@each
def test_a_long_answer_is_cut_at_the_limit(
    dialect: Dialect, request_of: Request, history: str
) -> None:
    """No answer has more output tokens than the request allows."""
    limits = {"max_tokens": 50, "max_output_tokens": 50, "max_completion_tokens": 50}
    request = request_of(generationConfig={"maxOutputTokens": 50}, **limits)
    found = answer(request, Behaviour(output_tokens=900), dialect=dialect)
    assert isinstance(found, Answer)
    assert found.usage.output_tokens == 50
    assert found.stop_reason == "max_tokens"


@each
def test_counting_is_what_is_billed(dialect: Dialect, request_of: Request, history: str) -> None:
    """A cold prompt is billed as the tokens it counts."""
    found = answer(request_of(), dialect=dialect)
    assert isinstance(found, Answer)
    assert count(request_of(), dialect=dialect) == found.usage.prompt_tokens > 0


@pytest.mark.parametrize(
    "request_",
    [
        body(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}}),
        chat(response_format={"type": "json_schema", "json_schema": {"schema": {}}}),
        chat(response_format={"type": "json_object"}),
        response(text={"format": {"type": "json_schema", "schema": {}}}),
        content(generationConfig={"responseJsonSchema": {"type": "OBJECT"}}),
        content(generationConfig={"responseMimeType": "application/json"}),
    ],
)
def test_every_dialects_way_to_ask_for_json_is_known(request_: dict[str, Any]) -> None:
    """Side calls such as a title or a router's choice want JSON, each in its own words."""
    assert asks_json(request_)


@pytest.mark.parametrize("told", [text("Hello."), tool("Bash", command="ls")])
def test_who_wants_json_gets_json(told: dict[str, Any]) -> None:
    """A side call is not answered with the prose or the call meant for the main one, unless it
    offers tools itself; JSON that is told is said."""
    asked = {"generationConfig": {"responseSchema": {"type": "BOOLEAN"}}}

    def said(how: Behaviour, **more: Any) -> str:
        found = answer(content(**asked, **more), how, dialect=GEMINI)
        assert isinstance(found, Answer)
        return found.blocks[0].text

    assert said(Behaviour(answer=(told,))) == "true"
    assert said(Behaviour(answer=(text("[1]"),))) == "[1]"
    assert said(Behaviour(answer=(told,)), tools=[{"functionDeclarations": []}]) != "true"


def test_plain_requests_ask_for_prose() -> None:
    """A format of plain text is none."""
    assert not any(asks_json(request()) for request in (body, chat, response, content))
    assert not asks_json(response(text={"format": {"type": "text"}, "verbosity": "low"}))


def test_the_smallest_value_of_a_schema() -> None:
    """Types in small letters and in Gemini's capitals; an enum's first, a number's minimum."""
    schema = {
        "type": "OBJECT",
        "properties": {
            "why": {"type": "STRING"},
            "score": {"type": "INTEGER", "minimum": 3},
            "model": {"type": "string", "enum": ["flash", "pro"]},
            "list": {"type": "ARRAY", "items": {"type": "BOOLEAN"}},
        },
    }
    value = {"why": "Sandbox session", "score": 3, "model": "flash", "list": [True]}
    assert example(schema) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"output_token": 5}, "output_token: no such field"),
        ({"usage": {"cached": 5}}, "cached: no such field"),
        ({"iterations": [{"type": "compaction", "tokens": 1}]}, "tokens: no such field"),
        ({"iterations": [{"type": "advisor_message", "model": "gpt"}]}, "no price for model"),
        ({"output_tokens": "many"}, "output_tokens"),
        ({"output_tokens": [9, 3]}, "low <= high"),
        ({"tokens": "gpt"}, "tokens: 'gpt' is none of"),
        ({"tokens_per_s": 500}, "tokens_per_s"),
        ([], "a behaviour is a JSON object"),
    ],
)
def test_a_behaviour_that_cannot_be_read_says_why(value: object, words: str) -> None:
    """A misspelt field is refused: silently normal would prove nothing."""
    with pytest.raises(BehaviourError, match=words):
        behaviour_from(value)


def test_a_behaviour_is_read_from_json() -> None:
    """Nested values and pairs come out as the dataclass has them."""
    value = {"usage": {"input_tokens": 5}, "output_tokens": [1, 2], "paced": True}
    assert behaviour_from(value) == Behaviour(
        usage=PromptUsage(input_tokens=5), output_tokens=(1, 2), paced=True
    )
