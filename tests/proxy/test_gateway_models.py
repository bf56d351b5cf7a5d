"""OpenRouter lets another model answer, by a field of its own in every API it speaks."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.proxy.raw import RawProvider, answer_bytes
from tests.support.desk import Device, budget, message

CHEAP, DEAR = "openai/gpt-5-nano", "anthropic/claude-fable-5"
TEXT = "word " * 400
ASKED: dict[str, dict[str, Any]] = {
    "/v1/messages": message(TEXT, model=CHEAP, stream=False),
    "/v1/chat/completions": {
        "model": CHEAP, "max_tokens": 1_000, "messages": [{"role": "user", "content": TEXT}],
    },
    "/v1/responses": {"model": CHEAP, "max_output_tokens": 1_000, "input": TEXT},
}  # fmt: skip
ANSWER = {
    "id": "gen_1", "type": "message", "model": DEAR, "status": "completed",
    "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn",
    "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
    "usage": {"input_tokens": 500, "output_tokens": 1_000, "prompt_tokens": 500,
              "completion_tokens": 1_000, "cost": 0.055},
}  # fmt: skip


@pytest.mark.parametrize(("limit", "status"), [("0.05", 400), ("0.30", 200)])
@pytest.mark.parametrize("path", ASKED)
async def test_the_cap_holds_whichever_model_answers(
    tmp_path: Path, path: str, limit: str, status: int
) -> None:
    """The dearest of them is held for; what does not fit never leaves."""
    cap = budget("daily", limit)
    async with RawProvider(answer_bytes(msgspec.json.encode(ANSWER))) as provider:
        config = f'[providers.openrouter]\nbase_url = "{provider.url}/api/v1"\n'
        keys = {"openrouter": "sk-or-test"}
        async with Device(tmp_path, [cap], keys=keys, config=config) as device:
            body = {**ASKED[path], "models": [CHEAP, DEAR]}
            reply = await device.post(body, f"/@openrouter{path}", User_Agent="test")
            await device.until_idle()

            assert reply.status == status, reply.body
            assert len(provider.received) == (status == 200)
            spent = (await device.status("daily"))["spent_nusd"]
            assert spent == (55_000_000 if status == 200 else 0)
            assert spent <= cap.limit_nusd
