"""The sandbox's Code Assist: envelopes around Gemini, and what a start asks for."""

import json

import aiohttp

from agentspend.sandbox.gemini.code_assist import free, opened
from agentspend.sandbox.server import Sandbox

BODY = {
    "model": "gemini-2.5-flash", "project": "p", "user_prompt_id": "u",
    "request": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "session_id": "s"},
}  # fmt: skip
LOGIN = {"Authorization": "Bearer ya29.x"}


def test_an_envelope_is_opened() -> None:
    """The model it names goes with what is inside; one that holds nothing is refused later."""
    assert opened(BODY) == {**BODY["request"], "model": "gemini-2.5-flash"}  # type: ignore[dict-item]
    assert opened({"model": 7, "request": []}) == {"model": 7}


def test_what_a_start_asks_for() -> None:
    """A tier and a project; nothing of everything else."""
    found = free("/s/x/v1internal:loadCodeAssist")
    assert found is not None
    assert found["cloudaicompanionProject"]
    assert free("/v1internal:recordCodeAssistMetrics") == {}
    assert free("/v1beta/models") is None


async def test_answers_come_in_envelopes_and_are_billed() -> None:
    """Streamed or whole, by their id in `traceId`; no key opens it."""
    async with Sandbox(seed=1) as sandbox, aiohttp.ClientSession() as client:
        url = f"{sandbox.url}/v1internal:"
        async with client.post(f"{url}generateContent", json=BODY, headers=LOGIN) as answer:
            whole = await answer.json()
        async with client.post(
            f"{url}streamGenerateContent?alt=sse", json=BODY, headers=LOGIN
        ) as answer:
            text = await answer.text()
        async with client.post(
            f"{url}generateContent", json=BODY, headers={"x-goog-api-key": "k"}
        ) as answer:
            assert answer.status == 403
        events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
        for each in (whole, events[-1]):
            assert each["response"]["usageMetadata"]["totalTokenCount"] > 0
            assert each["response"]["candidates"][0]["finishReason"] == "STOP"
        ids = [row.message_id for row in sandbox.bill.rows]
        assert ids == [whole["traceId"], events[-1]["traceId"]]
