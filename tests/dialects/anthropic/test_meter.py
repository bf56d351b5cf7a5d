"""Metering an answer: exact only when it was whole, and never less than what was billed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import MAX_METERED_JSON_BYTES
from agentspend.core.usage import Billing, Metered, Usage
from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.anthropic.meter import AnthropicMeter
from tests.dialects.anthropic.requests import FUZZ_EXAMPLES
from tests.dialects.cases import CASES, EVENT_STREAM, JSON, as_stream

ANTHROPIC = Anthropic()

FACTS = RequestFacts("claude-opus-5", 100, 1_000)
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 40}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-opus-5",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": USAGE,
}
STREAM = as_stream(MESSAGE)
WHOLE = Usage(10, 90, output_tokens=40)


def sse(*events: dict[str, Any]) -> bytes:
    """Events as a stream."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
        for event in events
    )


def started(**usage: Any) -> dict[str, Any]:
    """A stream's first event."""
    return {"type": "message_start", "message": {**MESSAGE, "content": [], "usage": usage}}


def delta(reason: str | None = None, **usage: Any) -> dict[str, Any]:
    """A usage event in the middle of a stream or at its end."""
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


STOP = {"type": "message_stop"}


def fed(*chunks: bytes, kind: str = EVENT_STREAM, status: int = 200) -> AnthropicMeter:
    """A meter that has seen these bytes."""
    meter = ANTHROPIC.meter(FACTS, status, kind)
    for chunk in chunks:
        meter.feed(chunk)
    return meter


def test_a_whole_answer_is_exact() -> None:
    """Streamed or not, the parts, the reason and the id are the provider's own."""
    for meter in (fed(STREAM), fed(json.dumps(MESSAGE).encode(), kind=JSON)):
        metered = meter.end(complete=True)
        assert metered.billing is Billing.EXACT
        assert metered.parts[0].usage == WHOLE
        assert (metered.stop_reason, metered.response_id) == ("end_turn", "msg_1")


def test_only_the_events_with_usage_are_news() -> None:
    """A chunk is news when it brought usage: the first time, most of a hold can be freed."""
    events = STREAM.split(b"\n\n")
    meter = fed()
    news = [meter.feed(event + b"\n\n") for event in events[:-1]]
    assert news == [True, False, False, False, True, False]
    assert meter.so_far().billing is Billing.FLOOR


def test_asking_for_the_end_ends_nothing() -> None:
    """At every byte the end can be asked for, and the answer goes on as if nobody had asked."""
    meter = fed()
    for byte in STREAM:
        assert meter.end(complete=False).billing in (Billing.UNKNOWN, Billing.FLOOR, Billing.EXACT)
        meter.feed(bytes([byte]))
    assert meter.end(complete=True) == fed(STREAM).end(complete=True)


def test_no_answer_is_exact_before_its_last_usage() -> None:
    """Cut at any byte before the last event, a stream proves a floor at most."""
    ending = STREAM.index(b"event: message_stop")
    for at in range(ending):
        metered = fed(STREAM[:at]).end(complete=False)
        assert metered.billing in (Billing.UNKNOWN, Billing.FLOOR)


@pytest.mark.parametrize(
    "stream",
    [
        sse(started(input_tokens=10, output_tokens=1), STOP),
        sse(started(input_tokens=10, output_tokens=1), delta("end_turn"), STOP),
        sse(started(input_tokens=10), delta("end_turn", output_tokens=None), STOP),
        sse(started(input_tokens=10), delta("end_turn", output_tokens=9)),
        sse(started(input_tokens=10), delta("end_turn", output_tokens=9), {"type": "error"}, STOP),
        sse(started(input_tokens=10), delta("end_turn", output_tokens=9), STOP) + b"data: {\n\n",
    ],
)
def test_a_stream_without_its_last_usage_is_a_floor(stream: bytes) -> None:
    """No final output count, no end, or an error on the way: the rest has to be estimated."""
    assert fed(stream).end(complete=True).billing is Billing.FLOOR


@pytest.mark.parametrize(
    "usage",
    [{}, {"output_tokens": 4}, {"input_tokens": 0, "output_tokens": 4}, {"input_tokens": "9"}],
)
def test_usage_without_input_proves_nothing(usage: dict[str, Any]) -> None:
    """A prompt of no tokens is no proof: the hold must not shrink on it, nor be charged on it."""
    stream = sse(started(**usage), delta("end_turn", output_tokens=9), STOP)
    meter = fed(stream)
    assert meter.so_far().parts == ()
    assert meter.end(complete=True).billing is Billing.UNKNOWN
    body = json.dumps({**MESSAGE, "usage": usage}).encode()
    assert fed(body, kind=JSON).end(complete=True).billing is Billing.UNKNOWN


def test_zeros_at_the_end_take_no_prompt_back() -> None:
    """SGLang tells the prompt at the start, and an input of 0 with the output (its PR 20830)."""
    stream = sse(started(**USAGE), delta("end_turn", input_tokens=0, output_tokens=40), STOP)
    metered = fed(stream).close(complete=True)

    assert metered.billing is Billing.EXACT
    assert metered.parts[0].usage == WHOLE


def test_later_usage_replaces_earlier_field_by_field() -> None:
    """Counts in a stream are cumulative; null says nothing."""
    stream = sse(
        started(input_tokens=10, cache_read_input_tokens=90, output_tokens=1),
        delta(output_tokens=5),
        delta("end_turn", input_tokens=200, cache_read_input_tokens=None, output_tokens=40),
        STOP,
    )
    assert fed(stream).end(complete=True).parts[0].usage == Usage(200, 90, output_tokens=40)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 529, 302, 101])
def test_an_answer_without_success_is_free(status: int) -> None:
    """The provider bills nothing for an error, whatever stands in it."""
    meter = fed(json.dumps(MESSAGE).encode(), kind=JSON, status=status)
    assert meter.end(complete=True) == Metered(billing=Billing.FREE)


@pytest.mark.parametrize("status", [200, 201, 206, 299])
def test_every_kind_of_success_is_billed(status: int) -> None:
    """An unusual success is no way to be free."""
    meter = fed(json.dumps(MESSAGE).encode(), kind=JSON, status=status)
    assert meter.end(complete=True).billing is Billing.EXACT


REFUSED = {**MESSAGE, "content": [], "stop_reason": "refusal"}
COMPACTED = [{"type": "compaction", "input_tokens": 9, "output_tokens": 9}]


@pytest.mark.parametrize(
    ("message", "billing"),
    [
        (REFUSED, Billing.FREE),
        ({**REFUSED, "content": MESSAGE["content"]}, Billing.EXACT),
        ({**REFUSED, "usage": {**USAGE, "iterations": COMPACTED}}, Billing.EXACT),
        ({**REFUSED, "usage": {**USAGE, "iterations": [{"type": "message"}]}}, Billing.FREE),
    ],
)
def test_a_refusal_is_free_only_when_nothing_was_made(
    message: dict[str, Any], billing: Billing
) -> None:
    """What was written before it, or worked beside it, is billed."""
    assert fed(json.dumps(message).encode(), kind=JSON).end(complete=True).billing is billing
    assert fed(as_stream(message)).end(complete=True).billing is billing


def test_a_refusal_cut_off_is_not_free() -> None:
    """Only a whole answer proves that nothing was made."""
    stream = as_stream(REFUSED)
    cut = stream[: stream.index(b"event: message_stop")]
    assert fed(cut).end(complete=False).billing is Billing.FLOOR


def test_a_tool_call_cut_by_the_limit_is_told() -> None:
    """Such a conversation must not be clamped to that size again."""
    call = {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "n"}}
    ending = [delta("max_tokens", output_tokens=9), STOP]
    assert fed(sse(started(input_tokens=1), call, *ending)).end(complete=True).tool_call_cut
    assert not fed(sse(started(input_tokens=1), *ending)).end(complete=True).tool_call_cut
    body = {**MESSAGE, "stop_reason": "max_tokens", "content": [{"type": "tool_use"}]}
    assert fed(json.dumps(body).encode(), kind=JSON).end(complete=True).tool_call_cut


@pytest.mark.parametrize(
    ("change", "least"),
    [
        ({"type": "text_delta", "text": "x" * 100}, 200),
        ({"type": "text_delta", "text": "漢" * 100}, 900),
        ({"type": "input_json_delta", "partial_json": "x" * 100}, 200),
        ({"type": "thinking_delta", "thinking": "x" * 100}, 200),
        ({"type": "signature_delta", "signature": "x" * 100}, 200),
        ({"type": "compaction_delta", "content": "x" * 100}, 200),
        ({"type": "text_delta", "text": "x", "partial_json": "y" * 100}, 202),
    ],
)
def test_all_output_that_passes_is_seen(change: dict[str, Any], least: int) -> None:
    """Whatever form output takes, what was seen of it bounds what was made so far."""
    event = {"type": "content_block_delta", "index": 0, "delta": change}
    assert fed(sse(event)).output_seen_tokens >= least
    unnamed = b"data: " + json.dumps(event).encode() + b"\n\n"
    assert fed(unnamed).output_seen_tokens >= least


def test_output_in_a_blocks_start_or_in_json_is_seen_too() -> None:
    """Hidden thinking comes in one piece; a JSON answer comes without events."""
    block = {"type": "redacted_thinking", "data": "A" * 100}
    assert (
        fed(sse({"type": "content_block_start", "content_block": block})).output_seen_tokens > 200
    )
    assert fed(b'{"content":"' + b"x" * 100, kind=JSON).output_seen_tokens > 200


def test_an_answer_too_long_to_keep_is_not_known() -> None:
    """Memory is bounded; what does not fit is charged by its bound."""
    meter = fed(json.dumps(MESSAGE).encode(), b" " * MAX_METERED_JSON_BYTES, kind=JSON)
    assert meter.end(complete=True).billing is not Billing.EXACT


EVENTS = st.sampled_from(
    [
        *STREAM.split(b"\n\n"),
        *(case["response"].encode() for case in CASES),
        b"data: " + b"[" * 5_000,
        b'data: {"type":"message_start","message":[]}',
        b'data: {"type":"message_delta","usage":{"iterations":7},"delta":[]}',
        b'data: {"type":"message_delta","usage":[1]}',
        b'data: {"type":"message_delta","usage":{"cache_creation":"x"}}',
        b'data: {"type":"content_block_start","content_block":3}',
        b'event: content_block_delta\ndata: {"delta":{"text":"\\ud800"}}',
        b'event: content_block_delta\ndata: "\xff"',
        b'{"usage":{"input_tokens":9,"iterations":[1]},"content":7,"type":"message"}',
        b"data: 7", b"data: null", b"\r", b"\n", b"\n\n", b"\xef\xbb\xbf",
    ]
)  # fmt: skip


@given(
    st.lists(EVENTS | st.binary(max_size=40), max_size=12),
    st.sampled_from([EVENT_STREAM, JSON, "", "text/plain"]),
    st.booleans(),
)
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_bytes_are_metered_alike_however_they_are_cut(
    pieces: list[bytes], kind: str, complete: bool
) -> None:
    """A meter never raises, and cutting an answer up never makes it cheaper."""
    whole = fed(b"".join(pieces), kind=kind)
    bytewise = fed(*(bytes([byte]) for byte in b"".join(pieces)), kind=kind)
    assert whole.end(complete=complete) == bytewise.end(complete=complete)
    assert whole.so_far() == bytewise.so_far()
    assert whole.output_seen_tokens <= bytewise.output_seen_tokens


@given(st.lists(st.booleans(), min_size=6, max_size=6))
@settings(max_examples=64, deadline=None)
def test_an_answer_with_events_lost_is_not_exact_and_cheaper(kept: list[bool]) -> None:
    """With whole events missing, an answer is less sure, or it still costs what it did."""
    events = STREAM.split(b"\n\n")[:6]
    chosen = [event + b"\n\n" for event, keep in zip(events, kept, strict=True) if keep]
    metered = fed(*chosen).end(complete=True)
    if metered.billing is Billing.EXACT:
        assert metered.parts[0].usage == WHOLE
    assert metered.billing is not Billing.FREE
