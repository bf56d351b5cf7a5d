"""Usage out of Bedrock's answers: binary frames or decoded events, Claude's shapes or Converse."""

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.bedrock import ConverseMeter, InvokeStreamMeter
from agentspend.dialects.bedrock.frames import Frames
from tests.dialects.fuzzing import FUZZ_EXAMPLES, assert_never_less_sure_than_it_says

FACTS = RequestFacts("us.anthropic.claude-opus-4-6-v1", 1_000, 100)
START = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "claude-opus-4-6", "usage": {"input_tokens": 20}},
}
DELTA = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn"},
    "usage": {"output_tokens": 5},
}
STOP: dict[str, Any] = {
    "type": "message_stop",
    "amazon-bedrock-invocationMetrics": {"inputTokenCount": 20, "outputTokenCount": 5},
}
METADATA = {
    "usage": {"inputTokens": 11, "outputTokens": 22, "totalTokens": 33},
    "serviceTier": {"type": "flex"},
}


def frame(payload: bytes, **headers: str) -> bytes:
    """One frame of an AWS event stream; its checksums are left at zero."""
    packed = b"".join(
        struct.pack(">B", len(name)) + name.encode() + b"\x07"
        + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )  # fmt: skip
    length = 12 + len(packed) + len(payload) + 4
    return struct.pack(">II", length, len(packed)) + b"\0" * 4 + packed + payload + b"\0" * 4


def named(event: str, payload: Any) -> bytes:
    """A frame with its event's name, as Bedrock sends it."""
    headers = {":message-type": "event", ":event-type": event, ":content-type": "application/json"}
    return frame(json.dumps(payload).encode(), **headers)


def chunks(*messages: Any) -> bytes:
    """InvokeModelWithResponseStream's frames around Claude's own events."""
    return b"".join(
        named("chunk", {"bytes": base64.b64encode(json.dumps(each).encode()).decode()})
        for each in messages
    )


def lines(*messages: Any) -> bytes:
    """The same events decoded, one a line."""
    return b"\n".join(json.dumps(each).encode() for each in messages)


def invoked(body: bytes, *, complete: bool = True, status: int = 200) -> Metered:
    """What an InvokeModelWithResponseStream answer proves."""
    meter = InvokeStreamMeter(FACTS, status)
    meter.feed(body)
    return meter.end(complete=complete)


@pytest.mark.parametrize("make", [chunks, lines], ids=["frames", "lines"])
def test_a_stream_of_claude_s_is_billed_at_the_model_asked_for(make: Any) -> None:
    """Its region decides the price; Claude's own name does not."""
    body = make(START, DELTA, STOP)
    found = invoked(body)
    assert (found.billing, found.response_id, found.extra) == (Billing.EXACT, "msg_1", {})
    (part,) = found.parts
    assert (part.model, part.usage.input_tokens, part.usage.output_tokens) == (FACTS.model, 20, 5)
    for at in range(len(body)):
        meter = InvokeStreamMeter(FACTS, 200)
        meter.feed(body[:at])
        meter.so_far()
        meter.end(complete=False)
        meter.feed(body[at:])
        assert meter.end(complete=True) == found
    cut = invoked(make(START, DELTA), complete=False)
    assert cut.billing is Billing.FLOOR
    assert invoked(body, status=400).billing is Billing.FREE


def test_bedrock_s_own_count_is_an_alarm_and_not_the_bill() -> None:
    """One public sample shows the two differ (pricing study §3.5)."""
    metrics = {"inputTokenCount": 20, "outputTokenCount": 3}
    found = invoked(lines(START, DELTA, {**STOP, "amazon-bedrock-invocationMetrics": metrics}))
    assert found.extra == {"metrics_differ": "output_tokens"}
    assert found.parts[0].usage.output_tokens == 5
    broken = {"inputTokenCount": "many"}
    found = invoked(lines(START, DELTA, {**STOP, "amazon-bedrock-invocationMetrics": broken}))
    assert found.extra == {"metrics_differ": "unreadable"}


def test_a_damaged_frame_is_a_floor() -> None:
    """What is not JSON, not base64, or not an event."""
    for broken in (named("chunk", {"bytes": "%"}), frame(b"{"), named("chunk", {"bytes": 7})):
        found = invoked(chunks(START) + broken + chunks(DELTA, STOP))
        assert found.billing is Billing.FLOOR


def conversed(body: bytes, *, streamed: bool = True, ttl: str = "", **more: Any) -> Metered:
    """What a Converse answer proves."""
    facts = RequestFacts("global.anthropic.claude-opus-5", 0, 0, cache_ttl=ttl)
    meter = ConverseMeter(facts, more.get("status", 200), "application/json", streamed=streamed)
    meter.feed(body)
    return meter.end(complete=more.get("complete", True))


@pytest.mark.parametrize(
    ("body", "streamed"),
    [
        (named("messageStop", {"stopReason": "max_tokens"}) + named("metadata", METADATA), True),
        (lines({"messageStop": {"stopReason": "max_tokens"}}, {"metadata": METADATA}), True),
        (json.dumps({**METADATA, "stopReason": "max_tokens"}, indent=1).encode(), False),
    ],
    ids=["frames", "lines", "json"],
)
def test_converse_tells_its_usage_once(body: bytes, *, streamed: bool) -> None:
    """With its tier and why it stopped."""
    found = conversed(body, streamed=streamed)
    assert (found.billing, found.stop_reason) == (Billing.EXACT, "max_tokens")
    (part,) = found.parts
    assert (part.model, part.service_tier) == ("global.anthropic.claude-opus-5", "flex")
    assert part.usage.counts() == {"input_tokens": 11, "output_tokens": 22}
    assert conversed(body, streamed=streamed, status=500).billing is Billing.FREE
    early = conversed(body[: len(body) // 2], streamed=streamed, complete=False)
    assert early.billing is not Billing.EXACT


@pytest.mark.parametrize(
    ("usage", "ttl", "counts"),
    [
        ({"cacheWriteInputTokens": 7}, "", {"cache_write_5m_tokens": 7}),
        ({"cacheWriteInputTokens": 7}, "1h", {"cache_write_1h_tokens": 7}),
        (
            {"cacheWriteInputTokens": 7, "cacheDetails": [{"ttl": "1h", "inputTokens": 5}]},
            "",
            {"cache_write_5m_tokens": 2, "cache_write_1h_tokens": 5},
        ),
        (
            {"cacheDetails": [{"ttl": "5m", "inputTokens": 3}, {"ttl": "9d", "inputTokens": 5}]},
            "",
            {"cache_write_5m_tokens": 3, "cache_write_1h_tokens": 5},
        ),
        ({"cacheReadInputTokens": 7}, "", {"cache_read_tokens": 7}),
    ],
)
def test_writes_are_priced_by_their_lifetime(
    usage: dict[str, Any], ttl: str, counts: dict[str, int]
) -> None:
    """One that nobody names is what the request asked for."""
    body = json.dumps({"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2, **usage}}})
    found = conversed(body.encode(), ttl=ttl).parts[0].usage.counts()
    assert found == {"input_tokens": 1, "output_tokens": 2, **counts}


def test_a_converse_stream_says_what_it_writes() -> None:
    """Text counts as it passes; an exception in the stream makes it a floor."""
    text = named("contentBlockDelta", {"delta": {"text": "hello"}})
    call = named("contentBlockStart", {"start": {"toolUse": {"name": "f"}}})
    stop = named("messageStop", {"stopReason": "max_tokens"})
    end = named("metadata", METADATA)
    meter = ConverseMeter(FACTS, 200, "", streamed=True)
    assert not meter.feed(text + call + stop)
    assert meter.output_seen_tokens >= 5
    assert meter.feed(end)
    assert meter.so_far().billing is Billing.FLOOR
    assert meter.end(complete=True).tool_call_cut
    assert conversed(named("throttlingException", {}) + end).billing is Billing.FLOOR
    new = {**METADATA, "usage": {**METADATA["usage"], "newTokens": 4}}
    assert conversed(named("metadata", new)).unpriceable == ("newTokens",)
    assert conversed(named("metadata", {"usage": {"outputTokens": 4}})).billing is Billing.UNKNOWN


def test_frames_that_lie_about_their_length_are_given_up() -> None:
    """Nothing is allocated for them, and nothing after them is trusted."""
    for lie in (struct.pack(">II", 2**31, 0), struct.pack(">II", 14, 90)):
        frames = Frames()
        assert frames.feed(frame(b"{}") + lie + b"\0" * 40) == [("", b"{}")]
        assert frames.overflowed


def test_an_event_s_name_is_found_among_its_headers() -> None:
    """Headers that are no texts hide it."""
    plain = frame(b"{}", **{":a": "b", ":event-type": "metadata"})
    assert Frames().feed(plain) == [("metadata", b"{}")]
    assert Frames().feed(frame(b"{}")) == [("", b"{}")]
    odd = plain.replace(b":a\x07", b":a\x05")
    assert Frames().feed(odd) == [("", b"{}")]


@given(st.binary(max_size=200), st.lists(st.floats(0, 1), max_size=5), st.booleans())
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_bytes_are_metered(body: bytes, cuts: list[float], framed: bool) -> None:
    """Whatever the bytes are, as frames and as lines."""
    body = b"\0\0" + body if framed else body
    assert_never_less_sure_than_it_says(lambda: InvokeStreamMeter(FACTS, 200), body, cuts)
    assert_never_less_sure_than_it_says(
        lambda: ConverseMeter(FACTS, 200, "", streamed=True), body, cuts
    )


@given(
    st.lists(st.sampled_from([START, DELTA, STOP, {"type": "ping"}]), max_size=5),
    st.lists(st.floats(0, 1), max_size=5),
    st.sampled_from([chunks, lines]),
)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_the_same_usage_wherever_it_is_cut(
    messages: list[Any], cuts: list[float], make: Any
) -> None:
    """In frames and in lines."""
    body = make(*messages)
    whole = invoked(body)
    meter = InvokeStreamMeter(FACTS, 200)
    begin = 0
    for end in [*sorted(int(cut * len(body)) for cut in cuts), len(body)]:
        meter.feed(body[begin:end])
        begin = end
    assert meter.end(complete=True) == whole
