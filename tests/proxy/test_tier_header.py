"""Vertex sells its dearer tier by a header alone (Priority PayGo)."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.proxy.raw import RawProvider, answer_bytes
from tests.support.desk import Device, budget

MODEL = "gemini-3.1-pro-preview"
BODY: dict[str, Any] = {
    "contents": [{"role": "user", "parts": [{"text": "word " * 400}]}],
    "generationConfig": {"maxOutputTokens": 1_000},
}
ANSWER = {
    "candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 1_900, "candidatesTokenCount": 1_000,
                      "trafficType": "ON_DEMAND"},
    "modelVersion": MODEL,
}  # fmt: skip


@pytest.mark.parametrize("tier", ["", "priority", "of-2027"])
async def test_a_tier_asked_for_by_a_header_is_held_for(tmp_path: Path, tier: str) -> None:
    """What would pass the cap at that price is refused, and so is a tier that nobody prices."""
    cap = budget("daily", "0.023")
    async with RawProvider(answer_bytes(msgspec.json.encode(ANSWER))) as provider:
        device = Device(tmp_path, [cap], keys={"google": "k"}, base_url=provider.url)
        async with device:
            headers = {"X_Vertex_AI_LLM_Shared_Request_Type": tier} if tier else {}
            path = f"/v1beta/models/{MODEL}:generateContent"
            reply = await device.post(BODY, path, User_Agent="test", **headers)
            await device.until_idle()

            assert reply.status == (400 if tier else 200), reply.body
            assert len(provider.received) == (not tier)
