"""Golden cases: what a provider answered, and what that cost by hand."""

import json
from pathlib import Path
from typing import Any

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import Behaviour, PromptUsage
from agentspend.sandbox.model import answer
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES
from tests.sandbox.conftest import chat, events, response

CASES = [
    json.loads(line)
    for line in Path(__file__).with_name("cases.jsonl").read_text("utf-8").splitlines()
]
IDS = [case["id"] for case in CASES]


def dialect_of(case: dict[str, Any]) -> Any:
    """The shape a case is in."""
    return CHAT if case["api"] == "chat.completions" else RESPONSES


def recorded(case: dict[str, Any]) -> dict[str, Any]:
    """The answer of a case, of a stream its last event's."""
    if case["transport"] == "json":
        decoded: dict[str, Any] = json.loads(case["response"])
        return decoded
    last: dict[str, Any] = events(case["response"].encode())[-1]["response"]
    return last


def behaviour_of(case: dict[str, Any]) -> Behaviour:
    """Tell the sandbox to use exactly what the case used."""
    used = case["expected"]["usage"]
    prompt = PromptUsage(
        input_tokens=used.get("fresh", 0),
        cache_read_input_tokens=used.get("read", 0),
        cache_write_30m_tokens=used.get("w5", 0),
        cache_write_12h_tokens=used.get("w12", 0),
    )
    shown = recorded(case)
    return Behaviour(
        usage=prompt,
        output_tokens=used["out"],
        thinking_tokens=used.get("reasoning", 0),
        web_search_requests=used.get("web", 0),
        response_model=shown["model"],
        service_tier=shown["service_tier"],
        inference_geo="eu" if case.get("upstream_host", "").startswith("eu.") else "",
        stop_reason="max_tokens" if shown.get("status") == "incomplete" else "",
    )


def answered(case: dict[str, Any]) -> Answer:
    """The case's answer, made anew."""
    request = {**case.get("request", {}), "model": case["model"]}
    request = chat(**request) if case["api"] == "chat.completions" else response(**request)
    found = answer(request, behaviour_of(case), dialect=dialect_of(case))
    assert isinstance(found, Answer), found
    return found
