"""Every dialect through the whole journey, against the provider's own bill."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.server import Sandbox
from tests.support.desk import TOKEN, Device, Reply, budget, message

TURN = {"role": "user", "content": "say hi, and then count to ten"}
CHAT: dict[str, Any] = {"model": "gpt-4.1-mini", "messages": [TURN], "max_tokens": 900}
RESPONSES: dict[str, Any] = {"model": "gpt-6.1-sol", "input": [TURN], "max_output_tokens": 900}
GEMINI: dict[str, Any] = {
    "contents": [{"role": "user", "parts": [{"text": "say hi"}]}],
    "generationConfig": {"maxOutputTokens": 900},
}
FLASH = "/v1beta/models/gemini-3.8-flash"
OURS = {"x_api_key": "", "Authorization": f"Bearer {TOKEN}"}

ASKED: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", CHAT),
    ("/v1/chat/completions", {**CHAT, "stream": True}),
    ("/chat/completions", {**CHAT, "stream": True, "stream_options": {"include_usage": True}}),
    ("/v1/responses", RESPONSES),
    ("/responses", {**RESPONSES, "stream": True}),
    (f"{FLASH}:generateContent", GEMINI),
    (f"{FLASH}:streamGenerateContent?alt=sse", GEMINI),
]


async def ask(device: Device, path: str, body: dict[str, Any], agent: str = "curl/8") -> Reply:
    """One request with our token where this API expects a key."""
    if ":" in path:
        return await device.post(body, path, x_api_key="", x_goog_api_key=TOKEN, User_Agent=agent)
    return await device.post(body, path, **OURS, User_Agent=agent)


@pytest.fixture
def keys() -> dict[str, str]:
    """A key for each provider."""
    return {"anthropic": "sk-ant-test", "openai": "sk-test", "google": "g-test"}


@pytest.mark.parametrize(("path", "body"), ASKED, ids=lambda value: str(value)[:48])
async def test_a_request_is_billed_to_the_nano_dollar(
    tmp_path: Path, keys: dict[str, str], path: str, body: dict[str, Any]
) -> None:
    """Our ledger says what the provider's bill says, and nothing stays held."""
    async with Device(tmp_path, [budget("daily", "5")], keys=keys) as device:
        reply = await ask(device, path, body)
        await device.until_idle()

        assert reply.status == 200, reply.body
        [entry] = await device.ledger()
        assert entry["amount_nusd"] == device.sandbox.bill.total_nusd() > 0
        assert (entry["billing"], entry["evidence"]) == ("exact", "provider_usage")
        assert (await device.status("daily"))["held_nusd"] == 0


async def test_a_regional_host_costs_what_the_region_costs(
    tmp_path: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenAI's answers do not say where they were made: the host does, at a tenth more."""
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **kw: look_up("127.0.0.1", *more, **kw)
    )
    async with Sandbox(behaviour=Behaviour(output_tokens=40)) as sandbox:
        url = f"http://us.api.openai.com:{sandbox.url.rpartition(':')[2]}"
        async with Device(tmp_path, [], keys=keys, sandbox=sandbox, base_url=url) as device:
            body = {"model": "gpt-5.4-mini", "messages": [TURN], "max_completion_tokens": 900}
            await ask(device, "/v1/chat/completions", body)
            await device.until_idle()

            [entry] = await device.ledger()
            assert entry["amount_nusd"] * 10 == sandbox.bill.total_nusd() * 11 > 0


async def test_every_candidate_of_a_cut_stream_is_charged(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    """The limit is each candidate's: three of them, cut off, are estimated as three."""
    amounts = []
    for count in (1, 3):
        behaviour = Behaviour(output_tokens=900, cut_after_events=3)
        async with Sandbox(behaviour=behaviour) as sandbox:
            folder = tmp_path / str(count)
            folder.mkdir()
            async with Device(folder, [], keys=keys, sandbox=sandbox) as device:
                options = {"maxOutputTokens": 900, "candidateCount": count}
                body = {**GEMINI, "generationConfig": options}
                await ask(device, f"{FLASH}:streamGenerateContent?alt=sse", body)
                await device.until_idle()
                [entry] = await device.ledger()
                amounts.append(entry["amount_nusd"])

    assert amounts[1] > 2 * amounts[0] > 0


async def test_the_usage_only_we_asked_for_is_taken_out_again(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    """A Chat client that asked for no usage chunk gets none; one that did gets it."""
    async with Device(tmp_path, [], keys=keys) as device:
        plain = await ask(device, "/v1/chat/completions", {**CHAT, "stream": True})
        options = {"stream": True, "stream_options": {"include_usage": True}}
        asked = await ask(device, "/v1/chat/completions", {**CHAT, **options})

        assert b'"prompt_tokens"' not in plain.body
        assert b'"prompt_tokens"' in asked.body
        assert plain.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("path", "body", "agent", "status"),
    [
        ("/v1/chat/completions", CHAT, "OpenAI/Python 2.20.0", 400),
        ("/v1/responses", RESPONSES, "codex_exec/0.169.0", 400),
        ("/v1/responses", RESPONSES, "OpenAI/Python 2.20.0", 400),
        (f"{FLASH}:streamGenerateContent?alt=sse", GEMINI, "GeminiCLI/0.61.0", 400),
        ("/v1/messages", message(), "claude-cli/2.1.332", 402),
        ("/v1/messages", message(), "litellm/1.0", 400),
    ],
    ids=["chat", "codex", "responses", "gemini", "claude", "litellm"],
)
async def test_a_refusal_is_one_its_agent_shows_and_does_not_retry(
    tmp_path: Path,
    keys: dict[str, str],
    path: str,
    body: dict[str, Any],
    agent: str,
    status: int,
) -> None:
    """Each caller gets the one status that stops it at once (wire study §0); nothing leaves."""
    async with Device(tmp_path, [budget("daily", "0.0001")], keys=keys) as device:
        reply = await ask(device, path, body, agent)

        assert reply.status == status
        assert b"agentspend budget raise daily" in reply.body
        if "codex" in agent:
            assert reply.headers["Content-Type"].startswith("text/plain")  # type: ignore[index,call-overload,union-attr]
        assert device.sandbox.bill.rows == []


async def test_mixed_dialects_keep_overlapping_budgets_at_once(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    """64 requests of four APIs at once: every cap holds by the provider's own bill."""
    caps = [budget("all", "0.20"), budget("openai", "0.05", provider="openai"),
            budget("flash", "0.02", model="gemini-*")]  # fmt: skip
    async with Device(tmp_path, caps, keys=keys) as device:
        asked = [*ASKED, ("/v1/messages", message(model="claude-haiku-4-5", max_tokens=600))]
        replies = await asyncio.gather(
            *(ask(device, *asked[number % len(asked)]) for number in range(64))
        )
        await device.until_idle()

        rows = device.sandbox.bill.rows
        billed = dict.fromkeys(("gpt", "gemini", "claude"), 0)
        for row in rows:
            billed[next(name for name in billed if row.model.startswith(name))] += row.nusd_up
        assert sum(billed.values()) <= 200_000_000
        assert billed["gpt"] <= 50_000_000
        assert billed["gemini"] <= 20_000_000
        assert sum(reply.status == 200 for reply in replies) == len(rows) > 8
        assert await device.spent_nusd() == sum(billed.values())


async def test_a_websocket_upgrade_is_answered_so_that_codex_falls_back(tmp_path: Path) -> None:
    """426 makes it go on over plain HTTP at once."""
    async with Device(tmp_path, []) as device:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        async with device.client.get(device.url + "/v1/responses", headers=headers) as answer:
            assert answer.status == 426
            assert msgspec.json.decode(await answer.read())
