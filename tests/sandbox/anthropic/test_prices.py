"""The sandbox's own price list."""

import json
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices.types import Usage as OracleUsage

from agentspend.sandbox.anthropic.events import message_body, stream
from agentspend.sandbox.behaviour import Behaviour, Iteration, PromptUsage, text
from agentspend.sandbox.model import Answer, answer
from agentspend.sandbox.prices import CARDS, OptionError, Usage, find, price
from tests.sandbox.conftest import body, events

CASES = [
    json.loads(line) for line in Path(__file__).with_name("cases.jsonl").read_text().splitlines()
]
NOW_S = datetime.fromisoformat("2026-11-23T12:00:00Z").timestamp()


def final_message(case: dict[str, Any]) -> dict[str, Any]:
    """The message a case ends with: of a stream, the last value of every usage field."""
    if case["transport"] == "json":
        decoded: dict[str, Any] = json.loads(case["response"])
        return decoded
    seen = events(case["response"].encode())
    message: dict[str, Any] = seen[0]["message"]
    for event in seen:
        if event["type"] == "message_delta":
            message["usage"].update(event["usage"])
            message["stop_reason"] = event["delta"]["stop_reason"]
        if event["type"] == "content_block_start":
            message["content"] = [text("words")]
    return message


def behaviour_of(case: dict[str, Any]) -> Behaviour:
    """Tell the sandbox to use exactly what the case used."""
    message = final_message(case)
    usage = message["usage"]
    split = usage.get("cache_creation") or {
        "ephemeral_5m_input_tokens": usage.get("cache_creation_input_tokens", 0)
    }
    tools = usage.get("server_tool_use", {})
    extra = [Iteration(**item) for item in usage.get("iterations", [])]
    return Behaviour(
        usage=PromptUsage(usage["input_tokens"], usage.get("cache_read_input_tokens", 0), **split),
        output_tokens=usage["output_tokens"],
        refusal=message["stop_reason"] == "refusal" and not message["content"],
        stop_reason=message["stop_reason"],
        response_model=message["model"],
        web_search_requests=tools.get("web_search_requests", 0),
        web_fetch_requests=tools.get("web_fetch_requests", 0),
        iterations=tuple(extra),
        speed=usage.get("speed", ""),
        inference_geo=usage.get("inference_geo", ""),
    )


def answered(case: dict[str, Any]) -> Answer:
    at_s = datetime.fromisoformat(case["timestamp"]).timestamp()
    found = answer(body(model=case["model"]), behaviour_of(case), at_s=at_s)
    assert isinstance(found, Answer)
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_golden_cases_cost_the_same(case: dict[str, Any]) -> None:
    """A hand-computed case billed by the sandbox comes to the same dollars, exactly."""
    assert answered(case).usd() == Fraction(Decimal(case["expected"]["usd"])), case["derivation"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_golden_cases_are_shown_as_the_provider_shows_them(case: dict[str, Any]) -> None:
    """JSON and stream both carry the case's token counts and stop reason."""
    found = answered(case)
    wanted = final_message(case)
    shown = json.loads(message_body(found))
    streamed = events(b"".join(step.data for step in stream(found)))[-2]
    for usage in (shown["usage"], streamed["usage"]):
        for name in ("input_tokens", "output_tokens", "speed"):
            assert usage.get(name) == wanted["usage"].get(name)
        searches = usage.get("server_tool_use", {}).get("web_search_requests")
        assert searches == wanted["usage"].get("server_tool_use", {}).get("web_search_requests")
    assert shown["stop_reason"] == streamed["delta"]["stop_reason"] == wanted["stop_reason"]
    assert shown["model"] == wanted["model"]


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize("prompt", [90_000, 150_000])
def test_the_list_agrees_with_a_public_one(name: str, prompt: int) -> None:
    """Every rate, long-context tier and context window is the one genai-prices knows."""
    oracle = OracleUsage(
        input_tokens=prompt,
        cache_read_tokens=10_000,
        cache_write_tokens=20_000,
        cache_write_1h_tokens=5_000,
        output_tokens=777,
    )
    ours = Usage(prompt - 30_000, 10_000, 15_000, 5_000, 777)
    stamp = datetime.fromisoformat("2026-11-23T12:00:00Z")
    theirs = genai_prices.calc_price(
        oracle, name, provider_id="anthropic", genai_request_timestamp=stamp
    )
    assert price(name, ours, at_s=NOW_S) == Fraction(theirs.total_price)
    assert CARDS[name].context_window == theirs.model.context_window


def test_fast_and_us_multiply_tokens_and_not_searches() -> None:
    """Paid options multiply each other; a web search stays at one cent."""
    usage = Usage(1_000, output_tokens=100, web_search_requests=2)
    plain = price("claude-opus-5", usage, at_s=NOW_S)
    both = price("claude-opus-5", usage, at_s=NOW_S, speed="fast", inference_geo="us")
    searches = Fraction(2, 100)
    assert both - searches == (plain - searches) * 2 * Fraction(11, 10)


def test_options_a_model_does_not_sell_are_refused() -> None:
    """No price is invented for fast mode or a region that the model does not have."""
    with pytest.raises(OptionError):
        price("claude-sonnet-5", Usage(1), at_s=NOW_S, speed="fast")
    with pytest.raises(OptionError):
        price("claude-haiku-4-5", Usage(1), at_s=NOW_S, inference_geo="us")


def test_models_are_found_by_exact_name_only() -> None:
    """An alias is found; a name that merely begins like a model is not."""
    assert find("claude-sonnet-4-0") is CARDS["claude-sonnet-4-20250514"]
    assert find("claude-opus-5-5-fake") is None
