"""The Messages API's answers, whole and in events."""

import json
from typing import Any

import pytest

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.anthropic.events import message_body, stream, usage_json
from agentspend.sandbox.behaviour import NORMAL, Behaviour, behaviour_from, text, tool
from agentspend.sandbox.model import answer
from tests.sandbox.conftest import body, events


def made(request: dict[str, Any], behaviour: Behaviour = NORMAL, **how: Any) -> Answer:
    found = answer(request, behaviour, **how)
    assert isinstance(found, Answer), found
    return found


def streamed(found: Answer) -> list[dict[str, Any]]:
    return events(b"".join(step.data for step in stream(found)))


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
