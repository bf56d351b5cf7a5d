"""The golden pricing cases of one provider, priced the way `agentspend prices explain` does it."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from agentspend.core.explain import Answered, explain
from agentspend.core.facts import RequestFacts
from agentspend.core.price_overrides import read_overrides
from agentspend.core.pricebook import PriceBook
from agentspend.dialects.anthropic import Anthropic
from agentspend.prices import load_table

ANTHROPIC = Anthropic()

HERE = Path(__file__).parent
TABLE = load_table()
BOOK = PriceBook(TABLE)
EVENT_STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"

CASES: list[dict[str, Any]] = [
    case
    for line in (HERE / "golden" / "pricing-cases.jsonl").read_text("utf-8").splitlines()
    if (case := json.loads(line))["provider"] == "anthropic"
]
RECORDED: list[bytes] = (HERE / "recorded" / "claude-two-turns.jsonl").read_bytes().splitlines()


def facts_of(case: dict[str, Any]) -> RequestFacts:
    """What the request of a case says: its fragment, made whole."""
    fragment = {k: v for k, v in case.get("request", {}).items() if k != "agentspend_config"}
    whole = {"model": case["model"], "max_tokens": 1_000, "messages": [], **fragment}
    return ANTHROPIC.read_request(json.dumps(whole).encode())


def bill(case: dict[str, Any], chunks: Iterable[bytes], kind: str) -> dict[str, Any]:
    """The bill of an answer that arrives in these chunks."""
    meter = ANTHROPIC.meter(facts_of(case), case["http_status"], kind)
    for chunk in chunks:
        meter.feed(chunk)
    config = case.get("request", {}).get("agentspend_config", {})
    book = PriceBook(TABLE, read_overrides(prices=config["prices"])) if config else BOOK
    at_us = int(datetime.fromisoformat(case["timestamp"]).timestamp()) * 1_000_000
    metered = meter.end(complete=True)
    answered = Answered(
        "anthropic", case["api"], case["model"], at_us, case["http_status"], metered
    )
    return explain(book, answered)


def as_stream(message: dict[str, Any]) -> bytes:
    """The same answer as an event stream: usage first at its start, then whole at its end."""
    usage = message["usage"]
    start = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(message["content"]):
        delta = {"type": "text_delta", "text": block["text"]}
        events += [
            {
                "type": "content_block_start",
                "index": index,
                "content_block": {"type": "text", "text": ""},
            },
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events += [
        {"type": "message_delta", "delta": ending, "usage": usage},
        {"type": "message_stop"},
    ]
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
        for event in events
    )
