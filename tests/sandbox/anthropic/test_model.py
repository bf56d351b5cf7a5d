"""The provider without sockets: what is refused, said and billed."""

import json
from fractions import Fraction
from typing import Any

from agentspend.sandbox.anthropic.events import message_body, stream, usage_json
from agentspend.sandbox.behaviour import (
    NORMAL,
    Behaviour,
    Iteration,
    PromptUsage,
)
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.model import Answer, answer, nusd_up
from tests.sandbox.conftest import body, events

PER_TOKEN = Fraction(20, 1_000_000)
"""Output of claude-opus-5-5."""


def made(request: dict[str, Any], behaviour: Behaviour = NORMAL, **how: Any) -> Answer:
    found = answer(request, behaviour, **how)
    assert isinstance(found, Answer), found
    return found


def streamed(found: Answer) -> list[dict[str, Any]]:
    return events(b"".join(step.data for step in stream(found)))


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
