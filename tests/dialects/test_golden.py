"""Every Anthropic golden case, through the meter and the price book, however the bytes are cut."""

import json
from typing import Any

import pytest

from tests.dialects.cases import CASES, EVENT_STREAM, JSON, as_stream, bill

JSON_CASES = [case for case in CASES if case["transport"] == "json"]
MESSAGES = [case for case in JSON_CASES if '"type":"message"' in case["response"]]
STREAMS = [case for case in CASES if case["transport"] == "sse"]


def named(case: dict[str, Any]) -> str:
    """A case's own name."""
    return str(case["id"])


def agrees(found: dict[str, Any], case: dict[str, Any]) -> bool:
    """Whether a bill says what the case expects, in every word the case names."""
    expected = case["expected"]
    return bool({name: found.get(name) for name in expected} == expected)


def test_the_cases_are_there() -> None:
    """Both transports have cases: an empty file would pass everything else here."""
    assert (len(JSON_CASES), len(STREAMS)) == (18, 4)
    assert len(MESSAGES) == 16


@pytest.mark.parametrize("case", JSON_CASES, ids=named)
def test_a_json_answer_costs_what_the_case_says(case: dict[str, Any]) -> None:
    """A JSON answer is priced the same whole, byte by byte, and cut in two at every byte."""
    body = case["response"].encode()
    assert agrees(bill(case, [body], JSON), case)
    assert agrees(bill(case, [bytes([byte]) for byte in body], JSON), case)
    whole = bill(case, [body], JSON)
    assert all(bill(case, [body[:at], body[at:]], JSON) == whole for at in range(len(body)))


@pytest.mark.parametrize("case", STREAMS, ids=named)
def test_a_stream_costs_what_the_case_says(case: dict[str, Any]) -> None:
    """An event stream is priced the same whole, byte by byte, and cut in two at every byte."""
    body = case["response"].encode()
    whole = bill(case, [body], EVENT_STREAM)
    assert agrees(whole, case)
    assert bill(case, [bytes([byte]) for byte in body], EVENT_STREAM) == whole
    assert all(bill(case, [body[:at], body[at:]], EVENT_STREAM) == whole for at in range(len(body)))


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("case", MESSAGES, ids=named)
def test_a_json_case_costs_the_same_as_a_stream(case: dict[str, Any], ending: bytes) -> None:
    """The same answer streamed costs the same, cut anywhere, with any line ending."""
    body = as_stream(json.loads(case["response"])).replace(b"\n", ending)
    whole = bill(case, [body], EVENT_STREAM)
    assert agrees(whole, case)
    assert bill(case, [bytes([byte]) for byte in body], EVENT_STREAM) == whole
    if ending == b"\n":
        cuts = range(len(body))
        assert all(bill(case, [body[:at], body[at:]], EVENT_STREAM) == whole for at in cuts)
