"""OpenRouter chooses who answers: another model where a request allows it, and one of its hosts."""

import asyncio
from decimal import Decimal
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


LISTED = {"prompt": Decimal("0.05"), "completion": Decimal("0.4")}
"""What the list has for `CHEAP`, in USD per million tokens."""


def cost_of(request: bytes) -> float:
    """What an OpenRouter takes that asks a host at ten times the list's prices where it may."""
    asked = body_of(request).get("provider", {}).get("max_price", {})
    dear = all(asked.get(name, 10) >= 10 * usd for name, usd in LISTED.items())
    used = {"prompt": 500, "completion": 1_000}
    return float(
        sum(used[name] * usd for name, usd in LISTED.items()) / 10**6 * (10 if dear else 1)
    )


def body_of(request: bytes) -> Any:
    """What came in a request."""
    return msgspec.json.decode(request.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("path", ASKED)
async def test_nobody_dearer_than_the_hold_is_asked(tmp_path: Path, path: str) -> None:
    """The list's price of the model is the most that a host may take; the cap holds."""

    async def choose(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        usage = {**ANSWER["usage"], "cost": cost_of(provider.received[-1])}
        answer = {**ANSWER, "model": CHEAP, "usage": usage}
        writer.write(answer_bytes(msgspec.json.encode(answer)))
        await writer.drain()

    async with RawProvider(choose) as provider:
        config = f'[providers.openrouter]\nbase_url = "{provider.url}/api/v1"\n'
        keys = {"openrouter": "sk-or-test"}
        async with Device(tmp_path, [budget("daily", "1")], keys=keys, config=config) as device:
            reply = await device.post(ASKED[path], f"/@openrouter{path}", User_Agent="test")
            await device.until_idle()
            [entry] = await device.ledger()

    assert reply.status == 200, reply.body
    assert entry["amount_nusd"] == 425_000
    assert "overrun_nusd" not in entry


async def test_without_a_budget_openrouter_asks_whom_it_likes(tmp_path: Path) -> None:
    """What is only metered leaves as it came."""
    async with RawProvider(answer_bytes(msgspec.json.encode(ANSWER))) as provider:
        config = f'[providers.openrouter]\nbase_url = "{provider.url}/api/v1"\n'
        keys = {"openrouter": "sk-or-test"}
        async with Device(tmp_path, [], keys=keys, config=config) as device:
            path = "/v1/chat/completions"
            await device.post(ASKED[path], f"/@openrouter{path}", User_Agent="test")
            [received] = provider.received

    assert body_of(received) == ASKED[path]
