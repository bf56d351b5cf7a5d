"""Accounts set to a dearer tier or region: bounded by what their answers said before."""

from pathlib import Path
from typing import Any

import pytest

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Metered, Usage, UsagePart
from agentspend.proxy.unasked import KEPT, LASTS_US, Unasked
from agentspend.sandbox.behaviour import Behaviour
from tests.proxy.test_every_dialect import CHAT, RESPONSES, ask
from tests.support.desk import Device, budget, message

KEYS = {"anthropic": "sk-ant-test", "openai": "sk-test"}
ASKED = [
    ("/v1/messages", message(model="claude-opus-5-5"), Behaviour(inference_geo="us"), 1.1),
    ("/v1/responses", RESPONSES, Behaviour(service_tier="priority"), 2.0),
    ("/v1/chat/completions", CHAT, Behaviour(service_tier="priority"), 1.75),
]


async def held(device: Device, path: str, body: dict[str, Any]) -> int:
    """What is held for a request before it leaves, in nano-USD."""
    if "max_tokens" in body and path == "/v1/messages":
        assert (await device.post(body)).status == 200
    else:
        assert (await ask(device, path, body)).status == 200
    await device.until_idle()
    return int((await device.ledger())[-1]["hold_nusd"])


@pytest.mark.parametrize(("path", "body", "behaviour", "times"), ASKED, ids=lambda it: str(it)[:24])
async def test_what_an_answer_was_billed_by_unasked_is_held_for(
    tmp_path: Path, path: str, body: dict[str, Any], behaviour: Behaviour, times: float
) -> None:
    """The project's or workspace's own setting stands in no request; the next one knows it."""
    keys = dict(KEYS)
    async with Device(tmp_path, [budget("daily", "9")], keys=keys) as device:
        await held(device, path, body)
        plain = await held(device, path, body)
        device.sandbox.behave(behaviour)
        await held(device, path, body)
        device.sandbox.behave(Behaviour())
        dear = await held(device, path, body)
        assert times * plain == pytest.approx(dear, rel=0.001)

        keys.update(anthropic="sk-ant-other", openai="sk-other")
        assert await held(device, path, body) == plain
        assert await device.spent_nusd() == device.sandbox.bill.total_nusd()


async def test_who_asks_for_the_plain_tier_is_held_for_it(tmp_path: Path) -> None:
    """A request that names its tier gets that."""
    async with Device(tmp_path, [budget("daily", "9")], keys=KEYS) as device:
        device.sandbox.behave(Behaviour(service_tier="priority"))
        await held(device, "/v1/responses", RESPONSES)
        plain = {**RESPONSES, "service_tier": "default"}
        named = await held(device, "/v1/responses", plain)
        assert 1.9 * named < await held(device, "/v1/responses", RESPONSES)


async def test_a_model_without_that_tier_is_not_refused_for_it(tmp_path: Path) -> None:
    """What one model's answer said of the account is no word in another's request."""
    async with Device(tmp_path, [budget("daily", "9")], keys=KEYS) as device:
        device.sandbox.behave(Behaviour(service_tier="priority"))
        await held(device, "/v1/responses", RESPONSES)
        device.sandbox.behave(Behaviour())
        assert await held(device, "/v1/responses", {**RESPONSES, "model": "gpt-5.4-nano"}) > 0


def said(**words: str) -> Metered:
    """An answer with these words."""
    return Metered((UsagePart("m", Usage(input_tokens=1), **words),))


def test_a_word_is_kept_for_a_week_after_it_was_heard() -> None:
    """A plain answer in between takes nothing back; an answer that proves nothing says nothing."""
    unasked, facts = Unasked(), RequestFacts("m", 1, 1)
    mine = unasked.account("openai", {}, 1)
    unasked.hear(mine, facts, said(service_tier="priority", inference_geo="us"), 1)
    unasked.hear(mine, facts, said(service_tier="default", inference_geo="global"), 2)
    unasked.hear(mine, facts, Metered(), 2)
    unasked.hear(mine, facts, said(inference_geo="eu"), 9)

    def words(now_us: int) -> dict[str, str]:
        return dict(unasked.account("openai", {}, now_us).unasked)

    assert words(9) == {"service_tier": "priority", "inference_geo": "eu"}
    assert words(LASTS_US + 1) == {"inference_geo": "eu"}
    assert words(LASTS_US + 9) == {}


def test_what_was_asked_for_says_nothing_of_the_account() -> None:
    """Nor do speeds, which no setting makes fast."""
    unasked = Unasked()
    asked = RequestFacts("m", 1, 1, service_tier="priority")
    mine = unasked.account("openai", {}, 1)
    unasked.hear(mine, asked, said(service_tier="priority", speed="fast"), 1)
    assert unasked.account("openai", {}, 1) == mine


def test_no_account_is_known_by_its_key_and_not_too_many_are_known() -> None:
    """Key, project and provider are told apart; the eldest go first."""
    unasked, facts = Unasked(), RequestFacts("m", 1, 1)
    headers = [{}, {"Authorization": "Bearer a"}, {"x-api-key": "a"}, {"openai-project": "a"}]
    found = [unasked.account(name, each, 1) for name in ("openai", "azure") for each in headers]
    assert len({each.digest for each in found}) == 8
    assert found[0] != Unasked().account("openai", {}, 1)
    for number in range(KEPT + 1):
        one = unasked.account("openai", {"x-api-key": f"{number}"}, 1)
        unasked.hear(one, facts, said(inference_geo="us"), 1)
    assert not unasked.account("openai", {"x-api-key": "0"}, 1).unasked
    assert unasked.account("openai", {"x-api-key": "1"}, 1).unasked
