"""Every golden case through its own meter and `core.explain`, however the bytes are cut."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agentspend.core.errors import AgentspendError
from agentspend.core.explain import Answered, explain
from agentspend.core.facts import RequestFacts
from agentspend.core.price_overrides import read_overrides
from agentspend.core.pricebook import PriceBook
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.answers import AWS_STREAM, content_type_of, facts_for, meter_for
from agentspend.prices import load_table

GOLDEN = Path(__file__).parent / "golden" / "pricing-cases.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]
TABLE = load_table()
BOOK = PriceBook(TABLE)
SSE = "text/event-stream"


def case_facts(case: dict[str, Any]) -> RequestFacts:
    """What the case's request says."""
    return facts_for(case["provider"], case["api"], case.get("request", {}), case["model"])


def read(case: dict[str, Any], chunks: Iterable[bytes], kind: str, facts: RequestFacts) -> Metered:
    """The usage of the case's answer when it arrives in these chunks."""
    meter = meter_for(case["provider"], case["api"], facts, case["http_status"], kind)
    for chunk in chunks:
        meter.feed(chunk)
    return meter.end(complete=True)


def bill(case: dict[str, Any], metered: Metered, book: PriceBook) -> dict[str, Any]:
    """What that costs."""
    at_us = int(datetime.fromisoformat(case["timestamp"]).timestamp()) * 1_000_000
    answered = Answered(
        provider=case["provider"],
        api=case["api"],
        model=case["model"],
        at_us=at_us,
        http_status=case["http_status"],
        metered=metered,
        upstream_host=case.get("upstream_host", ""),
    )
    return explain(book, answered)


def assert_priced(case: dict[str, Any], body: bytes, kind: str) -> None:
    """The case's bill, whole, byte by byte, and cut in two at every byte."""
    config = case.get("request", {}).get("agentspend_config", {})
    book = PriceBook(TABLE, read_overrides(**config)) if config else BOOK
    facts = case_facts(case)
    expected = case["expected"]
    whole = read(case, [body], kind, facts)
    said = bill(case, whole, book)
    assert {name: said.get(name) for name in expected} == expected
    assert read(case, (bytes([byte]) for byte in body), kind, facts) == whole
    for at in range(len(body)):
        assert read(case, [body[:at], body[at:]], kind, facts) == whole, at


def events(*messages: Any) -> bytes:
    """An event stream of these messages; a str stands as it is."""
    datas = (each if isinstance(each, str) else json.dumps(each) for each in messages)
    return b"".join(b"data: %b\n\n" % data.encode() for data in datas)


def chat_stream(message: dict[str, Any]) -> bytes:
    """A Chat answer as the stream that tells the same."""
    head = {name: message[name] for name in ("id", "model", "service_tier") if name in message}
    choices = [
        {"index": each["index"], "delta": each["message"], "finish_reason": each["finish_reason"]}
        for each in message["choices"]
    ]
    chunks = [{**head, "choices": [each], "usage": None} for each in choices]
    return events(*chunks, {**head, "choices": [], "usage": message["usage"]}, "[DONE]")


def responses_stream(message: dict[str, Any]) -> bytes:
    """A Responses answer as the stream that tells the same."""
    start = {**message, "output": [], "usage": None, "status": "in_progress"}
    items = [{"type": "response.output_item.done", "item": item} for item in message["output"]]
    return events(
        {"type": "response.created", "response": start},
        {"type": "response.output_text.delta", "delta": "hello"},
        *items,
        {"type": "response.completed", "response": message},
    )


def gemini_stream(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A Gemini answer as chunks, of which the first tells less."""
    early = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return [{**message, "usageMetadata": early}, message]


JSON_CASES = [
    case
    for case in CASES
    if case["transport"] == "json" and case["http_status"] == 200 and "usage" in case["response"]
]
BY_API = {
    api: [case for case in JSON_CASES if case["api"] == api]
    for api in ("chat.completions", "responses", "generateContent")
}


def named(case: dict[str, Any]) -> str:
    """A case's own name."""
    return str(case["id"])


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_answer_costs_what_its_case_says(case: dict[str, Any]) -> None:
    """All 58, whatever the transport and the cut."""
    body = case["response"].encode()
    assert_priced(case, body, content_type_of(body))


@pytest.mark.parametrize("case", BY_API["chat.completions"], ids=named)
def test_a_chat_answer_costs_the_same_as_a_stream(case: dict[str, Any]) -> None:
    """Its usage comes in the last chunk."""
    assert_priced(case, chat_stream(json.loads(case["response"])), SSE)


@pytest.mark.parametrize("case", BY_API["responses"], ids=named)
def test_a_responses_answer_costs_the_same_as_a_stream(case: dict[str, Any]) -> None:
    """Items that are told twice are counted once."""
    assert_priced(case, responses_stream(json.loads(case["response"])), SSE)


@pytest.mark.parametrize("case", BY_API["generateContent"], ids=named)
def test_a_gemini_answer_costs_the_same_as_a_stream_or_an_array(case: dict[str, Any]) -> None:
    """The last chunk's usage holds, in both ways to stream."""
    chunks = gemini_stream(json.loads(case["response"]))
    assert_priced(case, events(*chunks), SSE)
    assert_priced(case, json.dumps(chunks, indent=1).encode(), "application/json; charset=UTF-8")


def test_the_cases_are_there() -> None:
    """An empty file would pass everything else here."""
    assert len(CASES) == 58
    assert {api: len(cases) for api, cases in BY_API.items()} == {
        "chat.completions": 18, "responses": 5, "generateContent": 5
    }  # fmt: skip


def test_an_api_nobody_reads_is_said_with_those_that_are() -> None:
    """Not a traceback."""
    with pytest.raises(AgentspendError, match="completions cannot be read") as raised:
        meter_for("openai", "completions", RequestFacts("m", 0, 0), 200, SSE)
    assert "chat.completions" in raised.value.hint


def test_a_fragment_of_a_request_is_enough() -> None:
    """Or something that is no request at all."""
    asked = {"tools": [{"type": "web_search_preview"}]}
    assert facts_for("openai", "responses", asked, "gpt-4.1").web_search_preview_requests > 0
    assert facts_for("openai", "responses", {"model": 7}, "gpt-4.1").model == "gpt-4.1"
    ttl = {"model": 7, "ttl": "1h"}
    assert facts_for("aws", "converse", ttl, "m").cache_ttl == "1h"


def test_a_claude_of_another_provider_is_billed_even_when_it_refuses() -> None:
    """That refusals are free is only said of Anthropic's own API (pricing study §3.1)."""
    body = next(case for case in CASES if case["id"] == "anthropic-refusal-empty")["response"]
    for provider, api, billing in [
        ("anthropic", "messages", Billing.FREE),
        ("google", "rawPredict", Billing.EXACT),
        ("aws", "invoke", Billing.EXACT),
        ("openrouter", "messages", Billing.EXACT),
    ]:
        meter = meter_for(provider, api, RequestFacts("m", 0, 0), 200, "application/json")
        meter.feed(body.encode())
        metered = meter.end(complete=True)
        assert metered.billing is billing, provider
        assert [part.model for part in metered.parts] == (["m"] if metered.parts else [])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b' {"a":1}', "application/json"), (b"[{}]", "application/json"), (b"", "application/json"),
        (b"data: {}\n\n", SSE), (b"event: x\n", SSE), (b"\0\0\0\x20", AWS_STREAM),
    ],
)  # fmt: skip
def test_what_an_answer_is_shows_in_its_first_bytes(answer: bytes, kind: str) -> None:
    """For answers that were saved without their headers."""
    assert content_type_of(answer) == kind
