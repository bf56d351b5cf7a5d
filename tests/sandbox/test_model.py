"""The provider without sockets: what is refused, said and billed."""

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.sandbox.behaviour import (
    NORMAL,
    Behaviour,
    BehaviourError,
    Iteration,
    PromptUsage,
    behaviour_from,
    text,
    tool,
)
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.events import message_body, stream, usage_json
from agentspend.sandbox.model import Answer, answer, count, nusd_up

from .conftest import body, events

PER_TOKEN = Fraction(20, 1_000_000)
"""Output of claude-opus-5-5."""


def made(request: dict[str, Any], behaviour: Behaviour = NORMAL, **how: Any) -> Answer:
    found = answer(request, behaviour, **how)
    assert isinstance(found, Answer), found
    return found


def streamed(found: Answer) -> list[dict[str, Any]]:
    return events(b"".join(step.data for step in stream(found)))


@pytest.mark.parametrize(
    ("changes", "status", "kind", "words"),
    [
        ({"max_tokens": None}, 400, "invalid_request_error", "max_tokens: Field required"),
        ({"max_tokens": "9"}, 400, "invalid_request_error", "valid integer"),
        ({"max_tokens": 0}, 400, "invalid_request_error", "greater than or equal to 1"),
        ({"max_tokens": 128_001}, 400, "invalid_request_error", "128001 > 128000"),
        ({"model": None}, 400, "invalid_request_error", "model: Field required"),
        ({"model": "claude-opus-77"}, 404, "not_found_error", "model: claude-opus-77"),
        ({"messages": None}, 400, "invalid_request_error", "messages: Field required"),
        ({"messages": []}, 400, "invalid_request_error", "at least one message"),
        ({"messages": ["hi"]}, 400, "invalid_request_error", "messages"),
        ({"tools": "all"}, 400, "invalid_request_error", "tools"),
        ({"speed": "fast", "model": "claude-sonnet-5"}, 400, "invalid_request_error", "speed"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 4_000}},
            400,
            "invalid_request_error",
            "greater than `thinking.budget_tokens`",
        ),
    ],
)
def test_what_the_provider_refuses(
    changes: dict[str, Any], status: int, kind: str, words: str
) -> None:
    """A request the real API refuses is an error, with its type and message."""
    found = answer(body(**changes))
    assert isinstance(found, ApiError)
    assert (found.status, found.type) == (status, kind)
    assert words in found.message


FIELDS = ("type", "text", "content", "cache_control", "input", "source", "schema", "format", "role")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
        | st.builds(
            lambda kind, rest: {**rest, "type": kind},
            st.sampled_from(["text", "tool_use", "tool_result", "thinking", "image", "object"]),
            st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
        )
    ),
    max_leaves=8,
)
OPTIONS = ("system", "tools", "thinking", "output_config", "speed", "cache_control", "max_tokens")


@given(values, st.dictionaries(st.sampled_from(OPTIONS), values, max_size=4))
def test_no_request_breaks_the_provider(messages: Any, options: dict[str, Any]) -> None:
    """Any JSON gets an answer or an error of the API's own, never a crash."""
    request = {**body(), "messages": messages, **options}
    count(request)
    found = answer(request)
    if isinstance(found, Answer):
        assert found.usd() >= found.usd_at_start() >= 0
        assert json.loads(message_body(found))["usage"] == streamed(found)[-2]["usage"]


def test_a_prompt_longer_than_the_window_is_refused() -> None:
    """The context window is the last bound on any prompt."""
    request = body(model="claude-haiku-4-5", messages=[{"role": "user", "content": "x" * 800_000}])
    found = answer(request)
    assert isinstance(found, ApiError)
    assert "prompt is too long" in found.message


def test_output_never_passes_max_tokens() -> None:
    """A longer answer is cut there, and says so."""
    found = made(body(max_tokens=50), Behaviour(output_tokens=900))
    assert found.usage.output_tokens == 50
    assert found.stop_reason == "max_tokens"
    assert sum(block.tokens for block in found.blocks) == 50


def test_output_ends_where_the_window_ends() -> None:
    """Prompt and output share the window; the stop reason tells which limit it was."""
    full = PromptUsage(input_tokens=999_990)
    found = made(body(), Behaviour(usage=full, output_tokens=900))
    assert found.usage.output_tokens == 10
    assert found.stop_reason == "model_context_window_exceeded"


def test_the_same_seed_and_number_say_the_same() -> None:
    """Chance is drawn from the seed and the request's number alone."""
    first = made(body(), seed=3, number=9)
    assert first == made(body(), seed=3, number=9)
    lengths = {made(body(), seed=3, number=number).usage.output_tokens for number in range(40)}
    assert len(lengths) > 20
    assert min(lengths) >= 16
    assert max(lengths) <= 1_024


def test_a_drawn_length_stays_in_its_range() -> None:
    """(low, high) draws both ends and nothing outside."""
    how = Behaviour(output_tokens=(3, 6))
    drawn = {made(body(), how, number=number).usage.output_tokens for number in range(80)}
    assert drawn == {3, 4, 5, 6}


def test_dictated_usage_is_billed_to_the_token() -> None:
    """A warm turn of 150K tokens costs what the price page says."""
    how = Behaviour(
        usage=PromptUsage(cache_read_input_tokens=147_000, ephemeral_5m_input_tokens=3_000),
        output_tokens=1_500,
    )
    found = made(body(), how)
    assert found.usd() == Fraction(147_000 * 2 + 3_000 * 50 + 1_500 * 200, 10_000_000)
    assert nusd_up(found.usd()) == 74_400_000


def test_events_come_in_the_order_of_the_real_api() -> None:
    """Start, blocks with a ping after the first opening, final usage, stop."""
    found = made(body(), Behaviour(output_tokens=100, deltas=3))
    seen = streamed(found)
    assert [event["type"] for event in seen] == [
        "message_start",
        "content_block_start",
        "ping",
        *["content_block_delta"] * 3,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start = seen[0]["message"]["usage"]
    assert start["output_tokens"] == 1
    assert start["input_tokens"] == seen[-2]["usage"]["input_tokens"] == found.usage.input_tokens
    assert seen[-2]["usage"]["output_tokens"] == 100
    words = "".join(event["delta"]["text"] for event in seen if "text" in event.get("delta", {}))
    assert words == json.loads(message_body(found))["content"][0]["text"]


def test_every_event_knows_the_tokens_generated_by_then() -> None:
    """The count grows from one to the whole output and never falls."""
    how = Behaviour(answer=(text("a" * 100), tool("Bash", command="ls")), thinking_tokens=40)
    found = made(body(), how)
    counts = [step.tokens for step in stream(found)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (1, found.usage.output_tokens)


def test_hidden_thinking_is_billed_without_a_word_shown() -> None:
    """With display omitted only the signature arrives, and the tokens count as output."""
    request = body(thinking={"type": "adaptive", "display": "omitted"})
    found = made(request, Behaviour(output_tokens=500, thinking_tokens=450))
    deltas = [event for event in streamed(found) if event["type"] == "content_block_delta"]
    kinds = [event["delta"]["type"] for event in deltas]
    assert "thinking_delta" not in kinds
    assert kinds[0] == "signature_delta"
    usage = usage_json(found, found.usage, final=True)
    assert usage["output_tokens"] == 500
    assert usage["output_tokens_details"] == {"thinking_tokens": 450}


def test_a_scripted_answer_calls_tools() -> None:
    """Tool calls are whole in JSON, and in pieces that join to the same input in a stream."""
    calls = [tool("Agent", description=f"part {n}", prompt="look é") for n in range(3)]
    found = made(body(), Behaviour(answer=(text("I ask three."), *calls), deltas=4))
    assert found.stop_reason == "tool_use"
    content = json.loads(message_body(found))["content"]
    assert [block["type"] for block in content] == ["text"] + ["tool_use"] * 3
    assert len({block["id"] for block in content[1:]}) == 3
    joined = "".join(
        event["delta"]["partial_json"]
        for event in streamed(found)
        if event["type"] == "content_block_delta" and event["index"] == 2
    )
    assert json.loads(joined) == content[2]["input"] == calls[1]["input"]


def test_a_tool_call_cut_by_the_limit_is_half_json() -> None:
    """What made agents ask again without end: a call that ends in the middle of its input."""
    call = tool("Write", file_path="a.py", content="x = 1\n" * 200)
    found = made(body(max_tokens=100), Behaviour(answer=(call,)))
    half = "".join(
        event["delta"]["partial_json"]
        for event in streamed(found)
        if event["type"] == "content_block_delta"
    )
    with pytest.raises(json.JSONDecodeError):
        json.loads(half)
    assert found.stop_reason == "max_tokens"


def test_a_title_request_gets_json() -> None:
    """Claude Code's title call asks for {title} by schema and gets valid JSON text."""
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    request = body(output_config={"format": {"type": "json_schema", "schema": schema}})
    words = json.loads(message_body(made(request)))["content"][0]["text"]
    assert json.loads(words) == {"title": "Sandbox session"}


def test_an_empty_refusal_is_free_and_one_in_mid_answer_is_not() -> None:
    """A refusal without content costs nothing; with content all generated so far is paid."""
    empty = made(body(), Behaviour(refusal=True))
    assert empty.stop_reason == "refusal"
    assert empty.usd() == empty.usd_at_start() == 0
    assert json.loads(message_body(empty))["content"] == []
    late = made(body(), Behaviour(stop_reason="refusal", output_tokens=40))
    assert late.usd() == late.usd_at_start() + 40 * PER_TOKEN


def test_paid_options_are_echoed_and_billed() -> None:
    """Fast speed and US-only inference asked for in the request multiply the bill."""
    plain, how = made(body()), Behaviour()
    paid = made(body(speed="fast", inference_geo="us"), how)
    assert paid.usd() == plain.usd() * Fraction(22, 10)
    shown = usage_json(paid, paid.usage, final=True)
    assert (shown["speed"], shown["inference_geo"]) == ("fast", "us")
    tier = made(body(), Behaviour(service_tier="priority"))
    assert usage_json(tier, tier.usage, final=True)["service_tier"] == "priority"


def test_extra_passes_are_billed_at_their_own_model() -> None:
    """Compaction is billed at the request's model, advice at the adviser's, on top."""
    passes = (
        Iteration("compaction", input_tokens=100_000, output_tokens=1_000),
        Iteration("advisor_message", "claude-fable-5", input_tokens=200, output_tokens=50),
        Iteration("message", input_tokens=5, output_tokens=5),
    )
    plain = made(body(), Behaviour(output_tokens=10))
    found = made(body(), Behaviour(output_tokens=10, iterations=passes))
    extra = Fraction(100_000 * 4 + 1_000 * 20 + 200 * 10 + 50 * 50, 1_000_000)
    assert found.usd() - plain.usd() == extra
    shown = usage_json(found, found.usage, final=True)["iterations"]
    assert [item["type"] for item in shown] == [
        "message",
        "compaction",
        "advisor_message",
        "message",
    ]


def test_the_model_that_answers_is_the_one_billed() -> None:
    """A fallback model's rates count; a name nobody sells is billed as what was asked for."""
    other = made(body(), Behaviour(response_model="claude-fable-5", output_tokens=10))
    assert json.loads(message_body(other))["model"] == "claude-fable-5"
    assert other.usd() - other.usd_at_start() == 10 * Fraction(50, 1_000_000)
    unsold = made(body(), Behaviour(response_model="claude-opus-77", output_tokens=10))
    assert unsold.usd() - unsold.usd_at_start() == 10 * PER_TOKEN


def test_input_that_only_the_end_knows() -> None:
    """Server tools add input after the start: only the final usage shows and bills it."""
    found = made(body(), Behaviour(late_input_tokens=8_000, web_search_requests=1))
    seen = streamed(found)
    start, final = seen[0]["message"]["usage"], seen[-2]["usage"]
    assert final["input_tokens"] - start["input_tokens"] == 8_000
    assert final["server_tool_use"]["web_search_requests"] == 1
    cut = found.usd_after(found.usage.output_tokens)
    assert found.usd() - cut == 8_000 * Fraction(4, 1_000_000) + Fraction(1, 100)


@pytest.mark.parametrize("silent", ["final", "all"])
def test_silence_on_usage(silent: str) -> None:
    """The usage is left out at the end, or everywhere, and the bill is the same."""
    found = made(body(), behaviour_from({"silent_on_usage": silent}))
    seen = streamed(found)
    assert "usage" not in seen[-2]
    assert "usage" not in json.loads(message_body(found))
    assert ("usage" in seen[0]["message"]) is (silent == "final")
    assert found.usd() == made(body()).usd()


def test_an_unknown_usage_field_is_shown_as_given() -> None:
    """A new billable field appears in the final usage."""
    found = made(body(), Behaviour(unknown_usage={"quantum_tokens": 5}))
    assert streamed(found)[-2]["usage"]["quantum_tokens"] == 5


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
