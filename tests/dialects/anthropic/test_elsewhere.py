"""Anthropic's shapes from servers that copy them: what is billed, and in whose words."""

import json
from typing import Any

import pytest

from agentspend.core.usage import Billing, Metered
from agentspend.dialects.anthropic import Anthropic
from tests.dialects.anthropic.requests import MINIMAL

USAGE = {"input_tokens": 100, "output_tokens": 7, "cache_read_input_tokens": 20}
SAYS_COST = {"cost": 0.00123, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.5}}


def metered(provider: str, usage: dict[str, Any], *, vendor: str = "", **more: Any) -> Metered:
    """What a plain answer of this provider proves."""
    dialect = Anthropic(provider, vendor)
    facts = dialect.read_request(json.dumps(MINIMAL).encode())
    answer = {"id": "m", "model": "glm-5.3", "content": [{"type": "text", "text": "hi"}],
              "stop_reason": "end_turn", "usage": usage, **more}  # fmt: skip
    meter = dialect.meter(facts, 200, "application/json")
    meter.feed(json.dumps(answer).encode())
    return meter.end(complete=True)


def test_counts_are_read_as_anthropics() -> None:
    """The same names mean the same; nothing is stated by most servers."""
    found = metered("zai", USAGE)
    assert (found.billing, found.stated_pusd) == (Billing.EXACT, None)
    assert found.parts[0].usage.prompt_tokens == 120
    assert found.parts[0].model == "glm-5.3"


def test_an_empty_refusal_is_billed_elsewhere() -> None:
    """Only Anthropic promises not to bill one."""
    refused = {"stop_reason": "refusal", "content": []}
    assert metered("anthropic", USAGE, **refused).billing is Billing.FREE
    assert metered("zai", USAGE, **refused).billing is Billing.EXACT


@pytest.mark.parametrize(("told", "searches"), [({}, 2), ({"web_search_requests": 1}, 1)])
def test_searches_that_no_usage_counts_are_seen(told: dict[str, int], searches: int) -> None:
    """Each is billed, and stands in the answer."""
    call = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    content = [call, {**call, "name": "web_fetch"}, call, {"type": "text", "text": "hi"}]
    usage = {**USAGE, "server_tool_use": told} if told else USAGE
    found = metered("zai", usage, content=content)
    assert found.parts[0].usage.web_search_requests == searches
    blocks = [{"type": "content_block_start", "index": n, "content_block": block}
              for n, block in enumerate(content)]  # fmt: skip
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
    facts = Anthropic("zai").read_request(json.dumps(MINIMAL).encode())
    meter = Anthropic("zai").meter(facts, 200, "text/event-stream")
    for event in (*blocks, end, {"type": "message_stop"}):
        meter.feed(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
    streamed = meter.close(complete=True)
    assert streamed.billing is Billing.EXACT
    assert streamed.parts[0].usage.web_search_requests == searches


def test_openrouter_states_what_it_took() -> None:
    """Exactly, wherever OpenRouter is behind; a statement is no unknown count."""
    for provider, vendor in (("openrouter", ""), ("gateway", "openrouter")):
        found = metered(provider, {**USAGE, **SAYS_COST}, vendor=vendor)
        assert (found.stated_pusd, found.unpriceable) == (1_230_000_000, ())
    assert metered("zai", {**USAGE, **SAYS_COST}).stated_pusd is None


@pytest.mark.parametrize("cost", ["12", -1, True, 1e9])
def test_a_cost_that_cannot_be_is_no_statement(cost: object) -> None:
    """Then the price list holds, as for any other answer."""
    found = metered("openrouter", {**USAGE, "cost": cost})
    assert found.stated_pusd is None
    assert found.billing is Billing.EXACT


def test_only_anthropic_is_asked_to_count() -> None:
    """What another server says of a prompt's tokens is no bound."""
    assert Anthropic().count_path == "/v1/messages/count_tokens"
    assert Anthropic("zai").count_path == ""


def streamed(provider: str, *usages: dict[str, Any]) -> Metered:
    """What a stream proves that was cut after these usages, the first in its `message_start`."""
    dialect = Anthropic(provider)
    meter = dialect.meter(
        dialect.read_request(json.dumps(MINIMAL).encode()), 200, "text/event-stream"
    )
    first, *later = usages
    events = [{"type": "message_start", "message": {"id": "m", "usage": first}}]
    events += [{"type": "message_delta", "delta": {}, "usage": usage} for usage in later]
    for event in events:
        meter.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
    assert meter.so_far() == meter.end(complete=False)
    return meter.so_far()


@pytest.mark.parametrize("placeholder", [0, 1, 90])
def test_a_streams_first_event_proves_no_prompt_elsewhere(placeholder: int) -> None:
    """Whatever stands there, a hold does not shrink by it and a cut answer is not charged by it."""
    start = {"input_tokens": placeholder, "output_tokens": 1}
    assert streamed("zai", start).parts == ()
    assert streamed("zai", start, USAGE).parts[0].usage.prompt_tokens == 120
    assert bool(streamed("anthropic", start).parts) is bool(placeholder)
