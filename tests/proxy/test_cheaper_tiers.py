"""A cheaper tier that a request asks for is believed where it is sold, and nowhere else."""

from pathlib import Path

import pytest

from agentspend.config.ready_providers import OTHERS
from agentspend.proxy.tiers import tier_of
from agentspend.sandbox.behaviour import Behaviour
from tests.proxy.test_ready_providers import asked, config, post
from tests.support.desk import Device, budget

AZURE = next(each for each in OTHERS if each.name == "azure")


@pytest.mark.parametrize("tier", ["batch", "flex"])
async def test_who_ignores_the_word_takes_the_whole_price(tmp_path: Path, tier: str) -> None:
    """Azure's list is OpenAI's, with its cheaper tiers; it sells none, and answers "default"."""
    cap = budget("daily", "0.10")
    async with Device(tmp_path, [cap], keys={"azure": "k"}, config=config(AZURE)) as device:
        device.sandbox.behave(Behaviour(output_tokens=20_000))
        body = asked(AZURE, "openai_chat", "gpt-4.1", stream=False)
        body |= {"service_tier": tier, "max_tokens": 20_000}
        await post(device, AZURE, "openai_chat", body)
        await device.until_idle()

        assert device.sandbox.bill.total_nusd() <= cap.limit_nusd


@pytest.mark.parametrize(
    ("provider", "asked_for", "headers", "held"),
    [
        ("openai", "flex", {}, "flex"),
        ("google", "", {"x-vertex-ai-llm-shared-request-type": "Flex"}, "flex"),
        ("azure", "flex", {}, ""),
        ("openai", "batch", {}, ""),
        ("corp", "", {"x-amzn-bedrock-service-tier": "priority"}, "priority"),
        ("openai", "priority", {"x-amzn-bedrock-service-tier": "flex"}, "priority"),
        ("openai", "", {}, ""),
    ],
)
def test_a_tier_is_the_body_s_word_or_a_header_s(
    provider: str, asked_for: str, headers: dict[str, str], held: str
) -> None:
    """A dearer one always counts, a cheaper one where it is sold."""
    assert tier_of(provider, asked_for, headers) == held
