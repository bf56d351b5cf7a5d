"""Rules on models, through the whole journey: nothing leaves, nothing is held, the agent stops."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agentspend.bookkeeper import snapshot
from agentspend.core.rules import ModelRule, Rules
from agentspend.core.scopes import Scope
from tests.proxy.test_every_dialect import CHAT, FLASH, GEMINI, RESPONSES, ask
from tests.support.desk import Device, budget, message

NO_OPUS = Rules(models=(ModelRule(Scope.of({"agent": "claude"}), deny=("claude-opus-*",)),))
KEYS = {"anthropic": "sk-ant-test", "openai": "sk-test", "google": "g-test"}


async def test_a_forbidden_model_is_refused_before_anything_is_held_or_sent(
    tmp_path: Path,
) -> None:
    """One answer that stops the agent, with who says so and what is allowed; `why` tells it."""
    async with Device(tmp_path, [budget("daily", "5")], rules=NO_OPUS) as device:
        reply = await device.post(message(model="claude-opus-5[1m]"))

        assert (reply.status, reply.error["type"]) == (402, "billing_error")
        assert reply.error["message"].startswith("agentspend: model 'claude-opus-5' may not")
        for words in ("agent=claude", "all but claude-opus-*", "agentspend budget confirm"):
            assert words in reply.error["message"]
        assert device.sandbox.requests == []
        rid = msgspec.json.decode(reply.body)["request_id"].replace("req_agentspend_", "r_")
        story = await device.bookkeeper.ask(lambda books, _: snapshot.why(books, rid))
        assert (story["outcome"], story["reason"]) == ("refused", "forbidden_model")
        assert story["model"] == "claude-opus-5"
        assert story["why"] == "the rule on models for agent=claude does not allow it"
        assert (await device.status("daily"))["held_nusd"] == 0


async def test_other_models_and_other_agents_go_on(tmp_path: Path) -> None:
    """The rule is for opus, and for Claude Code."""
    async with Device(tmp_path, rules=NO_OPUS) as device:
        assert (await device.post(message(model="claude-sonnet-5"))).status == 200
        device.open_session(agent="opencode")
        assert (await device.post(message())).status == 200


async def test_a_model_that_may_stand_in_is_refused_too(tmp_path: Path) -> None:
    """A fallback could answer, so it must be allowed."""
    async with Device(tmp_path, rules=NO_OPUS) as device:
        body = message(model="claude-sonnet-5", fallback_models=["claude-opus-5"])
        reply = await device.post(body)
        assert reply.status == 402
        assert "'claude-opus-5'" in reply.error["message"]
        assert device.sandbox.requests == []


async def test_a_sessions_own_rules_hold_besides(tmp_path: Path) -> None:
    """Those of its key or repository: both lists must let a model through, and it says whose."""
    own = Rules(models=(ModelRule(allow=("claude-haiku-*",), source="key ci"),))
    async with Device(tmp_path, rules=NO_OPUS) as device:
        device.open_session(rules=own)
        refused = await device.post(message(model="claude-sonnet-5"))
        assert "of key ci" in refused.error["message"]
        assert (await device.post(message())).status == 402
        assert (await device.post(message(model="claude-haiku-5-5"))).status == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/chat/completions", CHAT, 400),
        ("/v1/responses", RESPONSES, 400),
        (f"{FLASH}:generateContent", GEMINI, 400),
    ],
)
async def test_every_dialect_refuses_in_its_own_words(
    tmp_path: Path, path: str, body: dict[str, Any], status: int
) -> None:
    """Never 403 or 404, which ask for a login or hide the message."""
    rules = Rules(models=(ModelRule(deny=("openai/*", "gemini-*")),))
    async with Device(tmp_path, keys=KEYS, rules=rules) as device:
        reply = await ask(device, path, body)
        assert reply.status == status
        assert "may not be used here" in reply.error["message"]
        assert device.sandbox.requests == []


async def test_gpt_in_another_case_is_refused_or_unknown(tmp_path: Path) -> None:
    """A pattern minds case; so does the price book, and an unknown model is not sent either."""
    rules = Rules(models=(ModelRule(deny=("gpt-*",)),))
    async with Device(tmp_path, keys=KEYS, rules=rules) as device:
        reply = await ask(device, "/v1/chat/completions", {**CHAT, "model": "GPT-4.1-mini"})
        assert reply.status == 400
        assert device.sandbox.requests == []
