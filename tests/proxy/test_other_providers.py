"""Providers besides the three: where their requests go, whose key they carry, who is asked."""

from pathlib import Path
from typing import Any

import pytest

from agentspend.core.conversation import Known, Turn
from agentspend.core.facts import PrefixMark
from agentspend.core.scopes import Payer
from agentspend.proxy.memory import Memory
from agentspend.proxy.sessions import Session
from agentspend.proxy.upstream import joined
from tests.support.desk import TOKEN, Device, budget, message

OAUTH = "sk-ant-oat01-of-a-subscriber"
GATEWAY = """
[providers.gateway]
dialect = ["openai_chat", "anthropic"]
base_url = "SANDBOX/gateway/v4"
price_prefix = { "gpt-*" = "openai", "claude-*" = "anthropic" }
"""
CHAT: dict[str, Any] = {
    "model": "gpt-4.1-mini",
    "messages": [{"role": "user", "content": "say hi"}],
    "max_tokens": 900,
}
KEYS = {"anthropic": "sk-ant-test", "openai": "sk-test", "gateway": "gw-test"}
OURS = {"x_api_key": "", "Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("base", "path", "dialect", "url"),
    [
        ("https://h", "/v1/chat/completions", "openai_chat", "https://h/v1/chat/completions"),
        ("https://h/", "/v1/messages?beta=true", "anthropic", "https://h/v1/messages?beta=true"),
        ("https://h/api/v1", "/v1/chat/completions", "openai_chat",
         "https://h/api/v1/chat/completions"),
        ("https://h/api/v1/", "/v1/models", "openai_chat", "https://h/api/v1/models"),
        ("https://h/api/paas/v4", "/v1/chat/completions", "openai_chat",
         "https://h/api/paas/v4/chat/completions"),
        ("https://h/v1beta/openai", "/v1/chat/completions", "openai_chat",
         "https://h/v1beta/openai/chat/completions"),
        ("https://h/v1/acc/gw/openai", "/v1/responses", "openai_responses",
         "https://h/v1/acc/gw/openai/responses"),
        ("https://h/v1/acc/gw/anthropic", "/v1/messages", "anthropic",
         "https://h/v1/acc/gw/anthropic/v1/messages"),
        ("https://h/api/v1", "/v1/messages", "anthropic", "https://h/api/v1/messages"),
        ("https://h/anthropic", "/v1/messages", "anthropic", "https://h/anthropic/v1/messages"),
        ("https://h/openai", "/v1/responses", "openai_responses", "https://h/openai/v1/responses"),
        ("https://h/v1beta", "/v1beta/models/g:generateContent", "gemini",
         "https://h/v1beta/models/g:generateContent"),
        ("https://h/v2ray", "/v1/models", "openai_chat", "https://h/v2ray/models"),
        ("https://v1.h", "/v1/models", "openai_chat", "https://v1.h/v1/models"),
    ],
)  # fmt: skip
def test_a_version_stands_once(base: str, path: str, dialect: str, url: str) -> None:
    """A base URL may hold the version, as the vendors' own documentation writes it."""
    assert joined(base, path, dialect) == url


@pytest.mark.parametrize("stream", [False, True])
async def test_a_path_names_who_answers(tmp_path: Path, *, stream: bool) -> None:
    """The request, its key, its price and its budgets are that provider's."""
    caps = [budget("gw", "5", provider="gateway"), budget("oa", "5", provider="openai")]
    async with Device(tmp_path, caps, keys=KEYS, config=GATEWAY) as device:
        body = {**CHAT, "stream": stream}
        reply = await device.post(body, "/@gateway/v1/chat/completions", **OURS)
        await device.until_idle()

        assert reply.status == 200, reply.body
        [seen] = device.sandbox.requests
        assert seen.path == "/gateway/v4/chat/completions"
        assert seen.headers["Authorization"] == "Bearer gw-test"
        [entry] = await device.ledger()
        assert (entry["provider"], entry["billing"]) == ("gateway", "exact")
        assert entry["amount_nusd"] == device.sandbox.bill.total_nusd() > 0
        assert (await device.status("gw"))["spent_nusd"] == entry["amount_nusd"]
        assert (await device.status("oa"))["spent_nusd"] == 0


async def test_a_session_chooses_for_every_request(tmp_path: Path) -> None:
    """Claude Code led to another server: its own login never reaches that server."""
    async with Device(tmp_path, [], keys=KEYS, config=GATEWAY) as device:
        who = Payer(agent="claude", session="s_other")
        device.desk.sessions.open(Session("s_other", who, "other", providers=("gateway",)))
        device.url = device.url.replace(TOKEN, "other")
        login = {"x_api_key": "", "Authorization": f"Bearer {OAUTH}"}
        reply = await device.post(message(model="claude-haiku-4-5"), **login)
        stray = await device.post({"model": "gpt-5", "input": "hi"}, "/v1/responses", **login)
        await device.until_idle()

        assert reply.status == 200, reply.body
        [seen] = device.sandbox.requests
        assert seen.path == "/gateway/v4/messages"
        assert OAUTH not in str(dict(seen.headers))
        assert seen.headers["Authorization"] == "Bearer gw-test"
        [entry] = await device.ledger()
        assert (entry["provider"], entry["counted"]) == ("gateway", "billed")
        assert entry["amount_nusd"] == device.sandbox.bill.total_nusd()
        assert stray.status == 400
        assert b"which its provider does not speak" in stray.body


@pytest.mark.parametrize(
    ("sent", "up"),
    [
        ({"Authorization": "Bearer own-key"}, {"Authorization": "Bearer own-key"}),
        ({"Authorization": f"Bearer {OAUTH}"}, {"api-key": "az"}),
        ({"api_key": TOKEN}, {"api-key": "az"}),
        ({"api_key": "own-key"}, {"api-key": "own-key"}),
        ({"Authorization": "Bearer jwt", "chatgpt_account_id": "a"}, {"api-key": "az"}),
    ],
)
async def test_a_key_goes_where_it_is_meant(
    tmp_path: Path, sent: dict[str, str], up: dict[str, str]
) -> None:
    """A caller that names its provider may bring a key; another vendor's is never passed on."""
    azure = '[providers.azure]\nbase_url = "SANDBOX/openai/v1"\n'
    async with Device(tmp_path, [], keys={"azure": "az"}, config=azure) as device:
        path = "/@azure/v1/chat/completions"
        await device.post(CHAT, path, **{"x_api_key": "", **sent})
        await device.until_idle()

        [seen] = device.sandbox.requests
        names = ("Authorization", "api-key", "chatgpt-account-id")
        assert {name: seen.headers[name] for name in names if name in seen.headers} == up


async def test_a_server_without_keys_gets_none(tmp_path: Path) -> None:
    """`auth = "none"`: our token is taken out, and its absence refuses nobody."""
    local = '[providers.ollama]\nbase_url = "SANDBOX"\n'
    async with Device(tmp_path, [budget("d", "0.01")], keys={}, config=local) as device:
        body = {"model": "gpt-4.1-mini", "messages": CHAT["messages"]}
        reply = await device.post(body, "/@ollama/v1/chat/completions", **OURS)
        await device.until_idle()

        [seen] = device.sandbox.requests
        assert TOKEN not in str(dict(seen.headers))
        assert b"max_tokens" not in seen.body
        assert reply.status == 401, "the sandbox wants a key; a real one would not"


async def test_a_provider_without_a_key_says_so(tmp_path: Path) -> None:
    """The one command that helps, by the provider's own name."""
    async with Device(tmp_path, [], keys={}, config=GATEWAY) as device:
        reply = await device.post(CHAT, "/@gateway/v1/chat/completions", **OURS)

        assert reply.status == 400
        assert b"agentspend keys set gateway" in reply.body
        assert device.sandbox.requests == []


async def test_models_are_listed_by_the_provider_that_is_named(tmp_path: Path) -> None:
    """The free call goes where the paid ones would, and costs nothing."""
    async with Device(tmp_path, [], keys=KEYS, config=GATEWAY) as device:
        url = device.url + "/@gateway/v1/models"
        async with device.client.get(url, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            assert answer.status == 200
            await answer.read()
        [seen] = device.sandbox.requests
        assert (seen.path, seen.headers["Authorization"]) == (
            "/gateway/v4/models",
            "Bearer gw-test",
        )
        assert await device.ledger() == []


def test_one_providers_turns_are_not_anothers() -> None:
    """A conversation that moves to another provider starts anew: its tokens are others."""
    memory = Memory(b"key")
    mark, turn = PrefixMark(b"digest", 10), Turn(100, 20, 0, 0)
    memory.keep(mark, turn, "openai")
    assert memory.find([mark], "openai") == Known(turn, 10)
    assert memory.find([mark], "gateway") is None
