"""Downgrades through the whole journey, in every dialect, against the provider's own bill."""

from pathlib import Path
from typing import Any

import pytest

from agentspend.bookkeeper import snapshot
from agentspend.core.rules import Downgrade, ModelRule, Rules
from agentspend.sandbox.behaviour import Behaviour
from tests.proxy.test_every_dialect import CHAT, FLASH, GEMINI, RESPONSES, ask
from tests.support.desk import Device, budget, message

KEYS = {"anthropic": "sk-ant-test", "openai": "sk-test", "google": "g-test"}
HAIKU = "claude-haiku-5-5"
WARN = budget("soft", "0.01", mode="warn")
RULES = Rules(downgrades=(Downgrade("soft", "claude-opus-*", HAIKU, 80),))


async def models(device: Device) -> list[str]:
    """The models that the provider was asked for, by the body of each paid request."""
    return [seen.json["model"] for seen in device.sandbox.requests if "max_tokens" in seen.json]


async def test_past_the_share_another_model_is_asked_and_billed(tmp_path: Path) -> None:
    """Nothing else of the request changes; the entry and `why` say what was asked and by what."""
    async with Device(tmp_path, [WARN], rules=RULES) as device:
        device.sandbox.behave(Behaviour(output_tokens=400))
        body = message("hello", temperature=0.25, max_tokens=900)
        assert (await device.post(body)).status == 200
        await device.until_idle()
        reply = await device.post(body)
        await device.until_idle()

        assert reply.status == 200
        assert await models(device) == ["claude-opus-5", HAIKU]
        sent = device.sandbox.requests[-1].json
        assert sent == {**body, "model": HAIKU}
        first, second = await device.ledger()
        assert "downgraded_from" not in first
        assert (second["model"], second["downgraded_from"]) == (HAIKU, "claude-opus-5")
        assert await device.spent_nusd() == device.sandbox.bill.total_nusd()
        story = await device.bookkeeper.ask(lambda books, _: snapshot.why(books, second["rid"]))
        assert story["downgraded_from"] == "claude-opus-5"
        assert story["downgraded_by"] == "80% of budget soft was spent"


async def test_an_output_limit_above_the_targets_is_lowered(tmp_path: Path) -> None:
    """The provider would refuse it."""
    small = budget("soft", "0.000001", mode="warn")
    rules = Rules(downgrades=(Downgrade("soft", "claude-opus-*", "claude-haiku-4-5", 1),))
    async with Device(tmp_path, [small], rules=rules) as device:
        await device.post(message(max_tokens=100))
        await device.until_idle()
        reply = await device.post(message(max_tokens=128_000))
        assert reply.status == 200
        sent = device.sandbox.requests[-1].json
        assert (sent["model"], sent["max_tokens"]) == ("claude-haiku-4-5", 64_000)


async def test_a_target_that_is_not_allowed_leaves_the_request_as_it_is(tmp_path: Path) -> None:
    """The budget, if it is hard, will refuse."""
    rules = RULES + Rules(models=(ModelRule(deny=("*haiku*",)),))
    async with Device(tmp_path, [WARN], rules=rules) as device:
        device.sandbox.behave(Behaviour(output_tokens=400))
        for _ in range(2):
            await device.post(message())
            await device.until_idle()
        assert await models(device) == ["claude-opus-5"] * 2


async def test_what_does_not_count_in_the_budget_is_left_alone(tmp_path: Path) -> None:
    """Other agents, and logins whose use is not billed."""
    soft = budget("soft", "0.01", mode="warn", agent="codex")
    async with Device(tmp_path, [soft], rules=RULES) as device:
        device.open_session("s_codex", "codex-token", agent="codex")
        device.url, ours = device.url.replace("test-session-token", "codex-token"), device.url
        device.sandbox.behave(Behaviour(output_tokens=400))
        await device.post(message(), x_api_key="codex-token")
        await device.until_idle()
        await device.post(message(), x_api_key="codex-token")
        device.url = ours
        await device.post(message())
        assert await models(device) == ["claude-opus-5", HAIKU, "claude-opus-5"]


async def test_rules_make_a_chain_and_no_circle(tmp_path: Path) -> None:
    """Opus becomes sonnet, sonnet haiku, and haiku would become opus again."""
    rules = Rules(
        downgrades=(
            Downgrade("soft", "claude-opus-*", "claude-sonnet-5", 50),
            Downgrade("soft", "claude-sonnet-*", HAIKU, 60),
            Downgrade("soft", HAIKU, "claude-opus-5", 60),
        )
    )
    async with Device(tmp_path, [WARN], rules=rules) as device:
        device.sandbox.behave(Behaviour(output_tokens=400))
        await device.post(message())
        await device.until_idle()
        await device.post(message())
        await device.until_idle()
        assert await models(device) == ["claude-opus-5", HAIKU]
        assert (await device.ledger())[1]["downgraded_from"] == "claude-opus-5"


@pytest.mark.parametrize(
    ("path", "body", "of", "to"),
    [
        ("/v1/chat/completions", {**CHAT, "model": "gpt-4.1"}, "gpt-4.1", "gpt-4.1-mini"),
        ("/v1/responses", {**RESPONSES, "stream": True}, "gpt-6.1-sol", "gpt-5.4-mini"),
        (f"{FLASH}:generateContent", GEMINI, "gemini-3.8-flash", "gemini-3.5-flash-lite"),
        (f"{FLASH}:streamGenerateContent?alt=sse", GEMINI, "gemini-*", "gemini-3.5-flash-lite"),
    ],
)
async def test_every_dialect_asks_for_the_other_model(
    tmp_path: Path, path: str, body: dict[str, Any], of: str, to: str
) -> None:
    """In the body, or in Gemini's path; billed as the provider bills it."""
    soft = budget("soft", "0.0000001", mode="warn")
    rules = Rules(downgrades=(Downgrade("soft", of, to, 1),))
    async with Device(tmp_path, [soft], keys=KEYS, rules=rules) as device:
        for _ in range(2):
            assert (await ask(device, path, body)).status == 200
            await device.until_idle()
        last = device.sandbox.requests[-1]
        assert to in last.path if "models" in path else last.json["model"] == to
        first, second = await device.ledger()
        assert second["model"].startswith(to)
        assert ("downgraded_from" in first, "downgraded_from" in second) == (False, True)
        assert await device.spent_nusd() == device.sandbox.bill.total_nusd()


async def test_without_a_rule_for_it_nobody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The books are looked at only where a rule could change the model."""
    async with Device(tmp_path, [WARN], rules=RULES) as device:
        asked = []
        monkeypatch.setattr(
            "agentspend.bookkeeper.rooms.Rooms.standings", lambda *a: asked.append(a) or {}
        )
        await device.post(message(model="claude-sonnet-5"))
        assert asked == []
        await device.post(message())
        assert len(asked) == 1
