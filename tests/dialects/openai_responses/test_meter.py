"""Metering Responses answers: the one usage, the items that are billed, and broken streams."""

import json
from typing import Any

import pytest

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.openai_responses.meter import ResponsesMeter

FACTS = RequestFacts("gpt-5", 1_000, 100, service_tier="flex", inference_geo="eu")
USAGE = {"input_tokens": 10, "output_tokens": 4, "total_tokens": 14}
SEARCH = {"type": "web_search_call", "id": "ws_1", "action": {"type": "search"}}


def event(kind: str, **more: Any) -> dict[str, Any]:
    """One event of a stream."""
    return {"type": f"response.{kind}", **more}


def ended(kind: str = "completed", usage: Any = USAGE, **more: Any) -> dict[str, Any]:
    """The last event of a stream."""
    return event(kind, response={"id": "resp_1", "status": kind, "usage": usage, **more})


def metered(
    *messages: Any, complete: bool = True, facts: RequestFacts = FACTS, status: int = 200
) -> Metered:
    """What a stream of these messages proves; a str stands as it is."""
    meter = ResponsesMeter(facts, status, "text/event-stream")
    for each in messages:
        data = each if isinstance(each, str) else json.dumps(each)
        meter.feed(f"event: x\ndata: {data}\n\n".encode())
    return meter.end(complete=complete)


CREATED = event("created", response={"id": "resp_1", "status": "in_progress", "usage": None})
DELTA = event("output_text.delta", delta="hi")


@pytest.mark.parametrize(
    ("messages", "complete", "billing"),
    [
        ([CREATED, DELTA, ended()], True, "exact"),
        ([CREATED, DELTA, ended()], False, "exact"),
        ([CREATED, ended("incomplete", incomplete_details={"reason": "x"})], False, "exact"),
        ([CREATED, ended("failed")], False, "exact"),
        ([CREATED, ended("failed", None)], True, "unknown"),
        ([CREATED, ended("completed", None)], True, "unknown"),
        ([CREATED, DELTA], True, "unknown"),
        ([CREATED, event("in_progress", response={"usage": USAGE})], True, "floor"),
        ([CREATED, ended(), "{broken"], True, "floor"),
        ([CREATED, {"type": "error", "message": "x"}, ended()], True, "floor"),
        ([CREATED, ended(usage={"input_tokens": 0})], True, "unknown"),
        ([CREATED, ended(usage={"input_tokens": "many"})], True, "unknown"),
        ([ended(usage=[1])], True, "unknown"),
        (["[]", "7", "null"], True, "unknown"),
    ],
)
def test_how_sure_a_stream_is(messages: list[Any], complete: bool, billing: str) -> None:
    """Exact only with the usage of an ending."""
    assert metered(*messages, complete=complete).billing == billing


@pytest.mark.parametrize(
    ("status", "complete", "billing"),
    [
        ("completed", True, Billing.EXACT), ("incomplete", True, Billing.EXACT),
        ("in_progress", True, Billing.FLOOR), ("completed", False, Billing.FLOOR),
    ],
)  # fmt: skip
def test_how_sure_a_json_answer_is(status: str, complete: bool, billing: Billing) -> None:
    """An answer that is still being made is not final."""
    meter = ResponsesMeter(FACTS, 200, "application/json")
    assert not meter.feed(json.dumps({"status": status, "usage": USAGE}).encode())
    assert meter.end(complete=complete).billing is billing


def test_an_error_bills_nothing() -> None:
    """Whatever it says."""
    assert metered(ended(), status=400).billing is Billing.FREE


def test_words_the_answer_leaves_unsaid_are_the_request_s() -> None:
    """Model, tier and region."""
    part = metered(ended()).parts[0]
    assert (part.model, part.service_tier, part.inference_geo) == ("gpt-5", "flex", "eu")
    part = metered(ended(model="gpt-5-x", service_tier="default")).parts[0]
    assert (part.model, part.service_tier) == ("gpt-5-x", "default")


@pytest.mark.parametrize(
    ("items", "counts"),
    [
        ([SEARCH], {"web_search_requests": 1}),
        ([SEARCH, {**SEARCH, "id": "ws_2"}], {"web_search_requests": 2}),
        ([SEARCH, SEARCH], {"web_search_requests": 1}),
        ([{**SEARCH, "action": {"type": "open_page"}}], {}),
        ([{**SEARCH, "action": {"type": "find_in_page"}}], {}),
        ([{**SEARCH, "action": None}], {"web_search_requests": 1}),
        ([{"type": "web_search_call"}], {"web_search_requests": 1}),
        ([{"type": "file_search_call", "id": "f"}], {"file_search_requests": 1}),
        ([{"type": "function_call", "id": "f"}, {"type": "message"}], {}),
    ],
)
def test_searches_are_counted_from_the_items(
    items: list[dict[str, Any]], counts: dict[str, int]
) -> None:
    """Told with the items, in the end, or both."""
    done = [event("output_item.done", item=item) for item in items]
    expected = {"input_tokens": 10, "output_tokens": 4, **counts}
    assert metered(ended(output=items)).parts[0].usage.counts() == expected
    both = metered(*done, ended(output=items))
    if all("id" in item for item in items):
        assert both.parts[0].usage.counts() == expected
        assert metered(*done, ended()).parts[0].usage.counts() == expected
    assert both.unpriceable == ()


def test_the_request_says_which_search_it_was() -> None:
    """A preview search has another price."""
    facts = RequestFacts("gpt-4.1", 0, 0, web_search_preview_requests=10)
    usage = metered(ended(output=[SEARCH]), facts=facts).parts[0].usage
    assert (usage.web_search_requests, usage.web_search_preview_requests) == (0, 1)


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ({"type": "code_interpreter_call", "id": "c"}, ("output.code_interpreter_call",)),
        ({"type": "image_generation_call", "id": "c"}, ("output.image_generation_call",)),
        ({"type": "shell_call", "id": "s", "container_id": "cntr"}, ("output.shell_call",)),
        ({"type": "shell_call", "id": "s"}, ()),
        ({"type": "mcp_call", "id": "m"}, ()),
    ],
)
def test_work_without_a_price_is_named(item: dict[str, Any], named: tuple[str, ...]) -> None:
    """Containers and pictures: the row is not exact then."""
    assert metered(ended(output=[item])).unpriceable == named


def test_counts_that_are_unknown_are_named() -> None:
    """At the top and inside."""
    usage = {**USAGE, "new_tokens": 1, "input_tokens_details": {"video_tokens": 2}}
    assert metered(ended(usage=usage)).unpriceable == (
        "new_tokens",
        "input_tokens_details.video_tokens",
    )


def test_a_cut_answer_says_so() -> None:
    """With the tool call it cut, if it did."""
    details = {"incomplete_details": {"reason": "max_output_tokens"}}
    call = {"type": "function_call", "id": "f"}
    cut = metered(ended("incomplete", output=[call], **details))
    assert (cut.stop_reason, cut.tool_call_cut, cut.response_id) == (
        "max_output_tokens", True, "resp_1"
    )  # fmt: skip
    cut = metered(ended("incomplete", output=[call, {"type": "message"}], **details))
    assert (cut.stop_reason, cut.tool_call_cut) == ("max_output_tokens", False)
    assert metered(ended()).stop_reason == "completed"


def test_all_that_is_written_is_seen() -> None:
    """Text, reasoning summaries and arguments."""
    meter = ResponsesMeter(FACTS, 200, "text/event-stream")
    texts = ["Hello", "because é", '{"path": 1}']
    kinds = ["output_text", "reasoning_summary_text", "function_call_arguments"]
    for kind, text in zip(kinds, texts, strict=True):
        meter.feed(b"data: %b\n\n" % json.dumps(event(f"{kind}.delta", delta=text)).encode())
    assert meter.output_seen_tokens >= sum(len(text.encode()) for text in texts)
    assert meter.feed(b"data: %b\n\n" % json.dumps(ended()).encode())
    assert meter.so_far().billing is Billing.FLOOR
