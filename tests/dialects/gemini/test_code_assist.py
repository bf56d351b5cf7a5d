"""Google Code Assist: a Gemini request and its answers in envelopes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.base import BadRequest
from agentspend.dialects.gemini import Gemini
from agentspend.dialects.gemini.code_assist import CodeAssist, CodeAssistMeter
from tests.dialects.fuzzing import FUZZ_EXAMPLES, RECORDED, dumped, read

ASSIST = CodeAssist()
MODEL = "gemini-2.5-flash"
MINIMAL: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
CLI = [each["body"] for each in RECORDED if "Content" in each["path"]]
FACTS = RequestFacts(MODEL, 1_000, 100)
USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 14}


def enclosed(inner: Any, **more: Any) -> bytes:
    """A request in the envelope that Gemini CLI 0.61.0 sends."""
    outer = {"model": MODEL, "project": "p-1", "user_prompt_id": "u-1", "request": inner}
    return dumped({**outer, **more})


@pytest.mark.parametrize("body", CLI, ids=range(len(CLI)))
def test_it_is_the_request_inside(body: dict[str, Any]) -> None:
    """The envelope and its session's name add nothing; the model stands outside."""
    found = ASSIST.read_request(enclosed({**body, "session_id": "s-1"}))
    plain = Gemini().read_request(dumped(body), path_model=MODEL)
    assert found == plain
    assert not found.may_add_input
    same = ASSIST.read_request(enclosed({**body, "session_id": "s-2"}, user_prompt_id="u-2"))
    assert same.prefixes == found.prefixes


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", dumped({"model": MODEL}), dumped({"request": MINIMAL}),
        enclosed(7), enclosed([]), enclosed({}), enclosed({"contents": 7}),
        enclosed(MINIMAL, model=7), enclosed(MINIMAL, model=""), b'{"model":"\xff"}',
        enclosed(MINIMAL).replace(b'"project"', b'"model"'),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(body: bytes) -> None:
    """As Google would, before anything is sent."""
    with pytest.raises(BadRequest):
        ASSIST.read_request(body)


def test_what_nobody_knows_fails_closed() -> None:
    """A strange field of the envelope that could cost, or bring input."""
    assert ASSIST.read_request(enclosed(MINIMAL, max_tokens=1)).unpriceable == ("max_tokens",)
    assert ASSIST.read_request(enclosed(MINIMAL, memory="x")).remote_input
    found = ASSIST.read_request(enclosed(MINIMAL, enabled_credit_types=["GOOGLE_ONE_AI"]))
    assert (found.unpriceable, found.remote_input) == ((), False)


def test_a_clamp_changes_the_limit_inside_and_nothing_else() -> None:
    """Every other value's bytes stay."""
    config = {"temperature": 1.50, "maxOutputTokens": 9_000}
    body = enclosed({**MINIMAL, "generationConfig": config})
    found = json.loads(ASSIST.with_max_output(body, 4_096))
    expected = json.loads(body)
    expected["request"]["generationConfig"]["maxOutputTokens"] = 4_096
    assert found == expected
    assert ASSIST.read_request(ASSIST.with_max_output(enclosed(MINIMAL), 5)).max_output_tokens == 5


def metered(*events: Any, content_type: str = "text/event-stream") -> Metered:
    """What these events prove."""
    meter = CodeAssistMeter(FACTS, 200, content_type)
    for each in events:
        text = each if isinstance(each, str) else json.dumps(each)
        meter.feed(f"data: {text}\r\n\r\n".encode() if "stream" in content_type else text.encode())
    return meter.end(complete=True)


def answer(text: str, reason: str = "", **more: Any) -> dict[str, Any]:
    """An answer in its envelope."""
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}]}}
    if reason:
        candidate["finishReason"] = reason
    return {"response": {"candidates": [candidate], **more}, "traceId": "t-1"}


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json"])
def test_usage_is_read_out_of_the_envelope(content_type: str) -> None:
    """Streamed or not; the trace's name is the answer's."""
    last = answer("b", "STOP", usageMetadata=USAGE, modelVersion=MODEL)
    events = [answer("a"), last] if "stream" in content_type else [last]
    found = metered(*events, content_type=content_type)
    assert (found.billing, found.response_id, found.stop_reason) == (Billing.EXACT, "t-1", "STOP")
    assert found.parts[0].usage.output_tokens == 4


@pytest.mark.parametrize(
    "broken",
    [{"error": {"code": 500}}, {"response": 7}, {"response": None}, 7, "{", {"traceId": 7}],
)
def test_a_broken_answer_is_never_exact(broken: Any) -> None:
    """What was proved before it stays a floor."""
    found = metered(answer("a", usageMetadata=USAGE), answer("b"), broken)
    assert found.billing is Billing.FLOOR
    assert metered(broken).billing is not Billing.EXACT


ENVELOPES = st.dictionaries(
    st.sampled_from(["model", "request", "project", "enabled_credit_types", "x_tokens"]),
    st.none() | st.integers() | st.text(max_size=8) | st.sampled_from([MINIMAL, *CLI, [], {}]),
)  # fmt: skip


@given(ENVELOPES | st.binary(max_size=60))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_any_envelope_is_read_or_refused(body: dict[str, Any] | bytes) -> None:
    """Whatever it holds breaks nothing."""
    read(ASSIST, body if isinstance(body, bytes) else dumped(body), "")


def test_another_model_is_named_in_the_envelope() -> None:
    """Where a rule puts one in its place."""
    changed = ASSIST.with_model(enclosed(MINIMAL), "gemini-2.5-pro")
    assert ASSIST.read_request(changed).model == "gemini-2.5-pro"
    assert json.loads(changed) == {**json.loads(enclosed(MINIMAL)), "model": "gemini-2.5-pro"}
