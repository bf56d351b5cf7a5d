"""What all meters share: counts that no answer can have prove nothing, in any dialect."""

import json
from typing import Any

import pytest

from agentspend.core.usage import Billing, Metered
from agentspend.dialects.answers import facts_for, meter_for

ANSWERS: dict[str, dict[str, Any]] = {
    "messages": {"content": [], "usage": {"input_tokens": 9, "output_tokens": 5}},
    "chat.completions": {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
    "responses": {"output": [], "usage": {"input_tokens": 9, "output_tokens": 5}},
    "generateContent": {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5}},
}
MOST = 1_000_000_000


def metered(api: str, **counts: Any) -> Metered:
    """What a whole answer proves, with these counts in its usage."""
    answer = json.loads(json.dumps(ANSWERS[api]))
    usage = next(value for name, value in answer.items() if name.startswith("usage"))
    usage.update(counts)
    provider = {"messages": "anthropic", "generateContent": "google"}.get(api, "openai")
    facts = facts_for(provider, api, {}, "some-model")
    meter = meter_for(provider, api, facts, 200, "application/json")
    meter.feed(json.dumps(answer).encode())
    return meter.end(complete=True)


@pytest.mark.parametrize("api", ANSWERS)
def test_a_count_that_no_answer_can_have_proves_nothing(api: str) -> None:
    """It is charged by its bound: the ledger could not even write down what it would cost."""
    usage = next(value for name, value in ANSWERS[api].items() if name.startswith("usage"))
    for name in usage:
        assert metered(api, **{name: MOST - 100}).billing is Billing.EXACT
        for absurd in (MOST + 1, 10**14, 10**30):
            assert metered(api, **{name: absurd}).parts == ()


def test_searches_and_parts_have_an_end_too() -> None:
    """Each search costs as much as ten thousand tokens; a list of parts can have any length."""
    one = {"type": "advisor_message", "model": "claude-opus-5", "input_tokens": 1}
    assert metered("messages", server_tool_use={"web_search_requests": 1_000_000}).parts
    assert metered("messages", server_tool_use={"web_search_requests": 1_000_001}).parts == ()
    assert metered("messages", iterations=[one] * 255).parts
    assert metered("messages", iterations=[one] * 256).parts == ()
