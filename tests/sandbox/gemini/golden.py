"""Golden cases: what a provider answered, and what that cost by hand."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import Behaviour, PromptUsage
from agentspend.sandbox.gemini.dialect import GEMINI
from agentspend.sandbox.model import answer
from tests.sandbox.conftest import content, events

CASES = [
    json.loads(line)
    for line in Path(__file__).with_name("cases.jsonl").read_text("utf-8").splitlines()
]
IDS = [case["id"] for case in CASES]


def recorded(case: dict[str, Any]) -> dict[str, Any]:
    """The answer of a case, of a stream its last chunk."""
    if case["transport"] == "json":
        decoded: dict[str, Any] = json.loads(case["response"])
        return decoded
    return events(case["response"].encode())[-1]


def answered(case: dict[str, Any]) -> Answer:
    """The case's answer, made anew with just its usage."""
    used = case["expected"]["usage"]
    how = Behaviour(
        usage=PromptUsage(used["fresh"], used.get("read", 0)),
        output_tokens=used["out"],
        thinking_tokens=used.get("reasoning", 0),
    )
    at_s = datetime.fromisoformat(case["timestamp"]).timestamp()
    found = answer(content(model=case["model"], alt="sse"), how, at_s=at_s, dialect=GEMINI)
    assert isinstance(found, Answer), found
    return found
