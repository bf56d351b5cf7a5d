"""A prediction's rejected tokens are billed beside the output limit: no clamp forgets them."""

from pathlib import Path
from typing import Any

import pytest

from agentspend.sandbox.behaviour import Behaviour
from tests.proxy.test_every_dialect import CHAT, ask
from tests.support.desk import Device, budget

REJECTED = 19_000
OUTPUT_NUSD = 1_600
"""A token of gpt-4.1-mini's output."""
PREDICTED = {"type": "content", "content": "x " * 10_000}


@pytest.mark.parametrize(("limit", "status"), [("0.02", 400), ("0.06", 200)])
@pytest.mark.parametrize("named", [{"max_tokens": 30_000}, {}], ids=["limited", "unlimited"])
async def test_the_cap_holds_beside_a_large_prediction(
    tmp_path: Path, named: dict[str, Any], limit: str, status: int
) -> None:
    """Where only a clamped answer fits, it fits with every rejected token; else nothing leaves."""
    body = {name: value for name, value in CHAT.items() if name != "max_tokens"}
    body |= {**named, "prediction": PREDICTED}
    cap = budget("daily", limit)
    async with Device(tmp_path, [cap], keys={"openai": "sk-test"}) as device:
        device.sandbox.behave(lambda _: Behaviour(output_tokens=200_000, rejected_tokens=REJECTED))
        reply = await ask(device, "/v1/chat/completions", body)
        await device.until_idle()

        assert reply.status == status, reply.body
        assert device.sandbox.bill.total_nusd() <= cap.limit_nusd
        assert (await device.status("daily"))["spent_nusd"] == device.sandbox.bill.total_nusd()


async def test_a_stream_that_broke_off_is_charged_all_that_may_have_been_rejected(
    tmp_path: Path,
) -> None:
    """None of it is in the bytes that came."""
    body = {**CHAT, "stream": True, "prediction": PREDICTED}
    async with Device(tmp_path, [budget("daily", "5")], keys={"openai": "sk-test"}) as device:
        device.sandbox.behave(lambda _: Behaviour(rejected_tokens=REJECTED, cut_after_events=2))
        await ask(device, "/v1/chat/completions", body)
        await device.until_idle()

        [entry] = await device.ledger()
        assert entry["billing"] == "ceiling"
        assert entry["amount_nusd"] >= REJECTED * OUTPUT_NUSD
