"""Metering Chat answers: the last usage, servers with ideas of their own, and broken streams."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.openai_chat.meter import ChatMeter
from agentspend.dialects.text_bound import tokens_bound

FACTS = RequestFacts("gpt-4.1", 1_000, 100, service_tier="flex", inference_geo="eu")
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


def chunk(text: str = "", reason: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    delta = {"content": text} if text else {}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


def metered(
    *messages: Any, complete: bool = True, status: int = 200, provider: str = "openai"
) -> Metered:
    """What a stream of these messages proves; a str stands as it is."""
    meter = ChatMeter(FACTS, status, "text/event-stream; charset=utf-8", provider)
    for each in messages:
        data = each if isinstance(each, str) else json.dumps(each)
        meter.feed(f"data: {data}\n\n".encode())
    return meter.end(complete=complete)


def test_words_the_answer_leaves_unsaid_are_the_request_s() -> None:
    """Model, tier and region."""
    part = metered(chunk("a"), {"choices": [], "usage": USAGE}).parts[0]
    assert (part.model, part.service_tier, part.inference_geo) == ("gpt-4.1", "flex", "eu")
    said = {"model": "gpt-4.1-2025-04-14", "service_tier": "default"}
    part = metered({"choices": [], "usage": USAGE, **said}).parts[0]
    assert (part.model, part.service_tier) == ("gpt-4.1-2025-04-14", "default")


def test_the_last_usage_wins_and_is_never_added() -> None:
    """Gemini's compatible endpoint tells it with every chunk."""
    early = {**USAGE, "completion_tokens": 1, "total_tokens": 11}
    found = metered(chunk("a", usage=early), chunk("b", "stop", usage=USAGE))
    assert found.billing is Billing.EXACT
    assert found.parts[0].usage.output_tokens == 4


@pytest.mark.parametrize(
    ("messages", "complete", "billing"),
    [
        (
            [chunk("a"), chunk(reason="stop"), {"choices": [], "usage": USAGE}, "[DONE]"],
            True,
            "exact",
        ),
        ([chunk("a"), {"choices": [], "usage": USAGE}], False, "exact"),
        ([chunk("a", usage=USAGE)], False, "floor"),
        ([chunk("a", usage=USAGE), chunk("b")], True, "floor"),
        ([chunk("a", usage=USAGE), chunk("b"), "[DONE]"], True, "floor"),
        ([chunk("a"), chunk("b", "stop")], True, "unknown"),
        ([chunk("a"), {"choices": [], "usage": USAGE}, {"error": {"message": "x"}}], True, "floor"),
        ([chunk("a"), "{broken", {"choices": [], "usage": USAGE}], True, "floor"),
        ([{"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 1}}], True, "unknown"),
        ([{"choices": [], "usage": {"prompt_tokens": -1}}], True, "unknown"),
        (["[DONE]"], True, "unknown"),
    ],
)
def test_how_sure_a_stream_is(messages: list[Any], complete: bool, billing: str) -> None:
    """Exact only with a usage that nothing followed."""
    assert metered(*messages, complete=complete).billing == billing


@pytest.mark.parametrize("status", [400, 429, 500, 302])
def test_an_error_bills_nothing(status: int) -> None:
    """Whatever it says."""
    assert metered({"choices": [], "usage": USAGE}, status=status).billing is Billing.FREE


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "prompt_cache_hit_tokens": 6,
             "prompt_cache_miss_tokens": 4},
            {"input_tokens": 4, "cache_read_tokens": 6, "output_tokens": 4},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "cached_tokens": 6},
            {"input_tokens": 4, "cache_read_tokens": 6, "output_tokens": 4},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "cached_tokens": 6,
             "prompt_tokens_details": {"cached_tokens": 2}},
            {"input_tokens": 8, "cache_read_tokens": 2, "output_tokens": 4},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 20,
             "completion_tokens_details": {"reasoning_tokens": 6}},
            {"input_tokens": 10, "output_tokens": 10, "reasoning_tokens": 6},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14,
             "completion_tokens_details": {"reasoning_tokens": 6}},
            {"input_tokens": 10, "output_tokens": 10, "reasoning_tokens": 6},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 8, "total_tokens": 18,
             "completion_tokens_details": {"reasoning_tokens": 6}},
            {"input_tokens": 10, "output_tokens": 8, "reasoning_tokens": 6},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4,
             "prompt_tokens_details": {"audio_tokens": 3, "cached_tokens": 9}},
            {"cache_read_tokens": 7, "input_audio_tokens": 3, "output_tokens": 4},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4,
             "prompt_tokens_details": {"cache_write_tokens": 6, "cache_write_tokens_details":
                                       {"ttl_30m_tokens": 1, "ttl_9h_tokens": 5}}},
            {"input_tokens": 4, "cache_write_5m_tokens": 1, "cache_write_12h_tokens": 5,
             "output_tokens": 4},
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 4,
             "prompt_tokens_details": {"cached_tokens": 900, "cache_write_tokens": 900}},
            {"cache_write_5m_tokens": 10, "output_tokens": 4},
        ),
    ],
)  # fmt: skip
def test_servers_count_in_ways_of_their_own(usage: dict[str, Any], counts: dict[str, int]) -> None:
    """DeepSeek, Kimi, xAI; where two counts disagree, the dearer reading."""
    found = metered({"choices": [], "usage": usage})
    assert found.parts[0].usage.counts() == counts


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"new_tokens": 5}, ("new_tokens",)),
        ({"new_tokens": 0, "total_time": 0.5, "queue_ms": 3, "cost": 0.1}, ()),
        ({"num_sources_used": 2}, ("num_sources_used",)),
        ({"prompt_tokens_details": {"video_tokens": 1}}, ("prompt_tokens_details.video_tokens",)),
        (
            {"completion_tokens_details": {"audio_tokens": 1}},
            ("completion_tokens_details.audio_tokens",),
        ),
        ({"server_tool_use": {"web_search_requests": 1}}, ("server_tool_use",)),
        ({"prompt_audio_seconds": 3}, ("prompt_audio_seconds",)),
    ],
)
def test_a_count_nobody_prices_is_named(more: dict[str, Any], named: tuple[str, ...]) -> None:
    """The row is not exact then; what measures time counts nothing."""
    assert metered({"choices": [], "usage": {**USAGE, **more}}).unpriceable == named


@pytest.mark.parametrize(
    ("cost", "pusd"),
    [
        ('"cost":0.00045123', 451_230_000),
        ('"cost":1e-13', 1),
        ('"cost":0', 0),
        ('"cost":0.1,"cost_details":{"upstream_inference_cost":0.2}', 300_000_000_000),
        ('"cost":0.1,"is_byok":true,"cost_details":{"upstream_inference_cost":0.2}', 3 * 10**11),
        ('"cost":0.1,"is_byok":false,"cost_details":{"upstream_inference_cost":0.2}', 10**11),
        ('"cost":0.01,"is_byok":true', None),
        ('"cost":null', None),
        ('"x":0', None),
    ],
)
def test_openrouter_states_its_cost(cost: str, pusd: int | None) -> None:
    """A decimal that passes through no float; nobody else's word is taken."""
    last = '{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,@}}'.replace("@", cost)
    assert metered(last, provider="openrouter").stated_pusd == pusd
    assert metered(last).stated_pusd is None
    assert metered(last, provider="openrouter").unpriceable == ()


def test_xai_states_its_cost() -> None:
    """In ticks of a ten-billionth of a dollar, tools included; none at all states nothing."""
    last = '{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,"num_sources_used":3@}}'
    for said, pusd in (
        (',"cost_in_usd_ticks":37756000', 3_775_600_000),
        (',"cost_in_usd_ticks":0', None),
        ("", None),
    ):
        assert metered(last.replace("@", said), provider="x-ai").stated_pusd == pusd
        assert metered(last.replace("@", said)).stated_pusd is None


@pytest.mark.parametrize("cost", ['"much"', "-1", "1e9", "true", "1e999999999"])
def test_a_cost_that_is_no_amount_proves_nothing(cost: str) -> None:
    """Then the hold stays until it is reconciled."""
    last = '{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,"cost":@}}'
    last = last.replace("@", cost)
    assert metered(last, provider="openrouter").billing is Billing.UNKNOWN


def test_a_cut_answer_says_so() -> None:
    """With the tool call it cut, if it did."""
    call = {"tool_calls": [{"function": {"arguments": "{"}}]}
    calling = {"choices": [{"delta": call, "finish_reason": None}]}
    last = {"choices": [], "usage": USAGE, "id": "c9"}
    found = metered(calling, chunk(reason="length"), last)
    assert (found.stop_reason, found.tool_call_cut, found.response_id) == ("length", True, "c9")
    found = metered(chunk("a"), chunk(reason="length"), last)
    assert (found.stop_reason, found.tool_call_cut) == ("length", False)
    found = metered(calling, chunk(reason="tool_calls"), last)
    assert (found.stop_reason, found.tool_call_cut) == ("tool_calls", False)


def test_all_that_is_written_is_seen() -> None:
    """Text, reasoning and arguments of every choice; at least a token a byte."""
    meter = ChatMeter(FACTS, 200, "text/event-stream")
    texts = ["Hello", "because é", '{"path": 1}']
    deltas: list[dict[str, Any]] = [
        {"content": texts[0]},
        {"reasoning_content": texts[1]},
        {"tool_calls": [{"index": 0, "function": {"arguments": texts[2]}}]},
    ]
    for delta in deltas:
        assert not meter.feed(
            b"data: %b\n\n" % json.dumps({"choices": [{"delta": delta}]}).encode()
        )
    assert meter.output_seen_tokens >= sum(tokens_bound(text.encode()) for text in texts)
    assert meter.feed(b"data: %b\n\n" % json.dumps({"choices": [], "usage": USAGE}).encode())
    assert meter.so_far().billing is Billing.FLOOR
    assert meter.so_far().parts == meter.end(complete=True).parts


def test_an_answer_has_ended_when_every_choice_has() -> None:
    """With usage in every chunk and `n` of 2, the first end proves nothing yet."""
    two = replace(FACTS, candidates=2)
    first = chunk("a", "stop", usage={**USAGE, "completion_tokens": 2})
    second = {"choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": "stop"}],
              "usage": USAGE}  # fmt: skip
    meter = ChatMeter(two, 200, "text/event-stream")
    meter.feed(b"data: " + json.dumps(first).encode() + b"\n\n")
    assert meter.end(complete=False).billing is Billing.FLOOR
    assert meter.end(complete=True).billing is Billing.EXACT  # a server that leaves `n` out
    meter.feed(b"data: " + json.dumps(second).encode() + b"\n\n")
    assert meter.end(complete=False).billing is Billing.EXACT
    assert meter.end(complete=False).parts[0].usage.output_tokens == 4
