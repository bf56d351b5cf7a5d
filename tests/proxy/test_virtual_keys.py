"""Requests with a virtual key: every way in, who pays, and what becomes of a key that ended."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agentspend.config.shape import AdmissionSection
from agentspend.sandbox.server import Sandbox
from tests.proxy.keyed import key_book, send
from tests.proxy.test_every_dialect import CHAT, FLASH, GEMINI, RESPONSES
from tests.support.desk import CLAUDE, Device, budget, message
from tests.support.manual_time import ManualTime

KEYS = {"anthropic": "sk-ant-test", "openai": "sk-test", "google": "g-test"}
OAUTH = "sk-ant-oat01-of-a-subscriber"
OWN = "sk-ant-api03-of-the-caller"
SDK = "OpenAI/Python 3.54.0"
WAYS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("/k/{key}/v1/messages", {}, message()),
    ("/k/{key}/messages", {"x_api_key": "{key}"}, message()),
    ("/k/{key}/v1/messages?beta=true", {"Authorization": "Bearer {key}"}, message()),
    ("/k/-/v1/messages", {"x_agentspend_token": "{key}"}, message()),
    ("/v1/messages", {"x_agentspend_token": "{key}"}, message()),
    ("/v1/messages", {"x_api_key": "{key}"}, message()),
    ("/v1/messages", {"Authorization": "Bearer {key}"}, message()),
    ("/v1/chat/completions", {"Authorization": "Bearer {key}"}, CHAT),
    ("/chat/completions", {"Authorization": "bearer {key}"}, CHAT),
    ("/k/{key}/v1/responses", {"Authorization": "Bearer {key}"}, RESPONSES),
    (f"{FLASH}:generateContent", {"x_goog_api_key": "{key}"}, GEMINI),
    (f"/k/{{key}}{FLASH}:streamGenerateContent?alt=sse", {"x_goog_api_key": "{key}"}, GEMINI),
]


def with_key(words: dict[str, str], token: str) -> dict[str, str]:
    """Headers with the key where it belongs."""
    return {name: value.format(key=token) for name, value in words.items()}


@pytest.mark.parametrize(("path", "headers", "body"), WAYS, ids=lambda value: str(value)[:40])
async def test_every_way_in(
    tmp_path: Path, path: str, headers: dict[str, str], body: dict[str, Any]
) -> None:
    """Billed to the nano-dollar, to the key's budget, with its name in the ledger; the stored key
    pays, and nothing of ours reaches the provider."""
    async with Device(tmp_path, [budget("key-ci", "5", key="ci")], keys=KEYS) as device:
        token = await (await key_book(device)).create("ci", {"tags": ["team=web"]}, 0)

        reply = await send(device, path.format(key=token), body, **with_key(headers, token))
        await device.until_idle()

        assert reply.status == 200, reply.body
        [entry] = await device.ledger()
        assert (entry["key"], entry["tags"]) == ("ci", ["team=web"])
        assert entry["amount_nusd"] == device.sandbox.bill.total_nusd() > 0
        assert (await device.status("key-ci"))["spent_nusd"] == entry["amount_nusd"]
        [seen] = device.sandbox.requests
        assert token not in str(dict(seen.headers)) + seen.path
        paid = {seen.headers.get(name) for name in ("x-api-key", "authorization", "x-goog-api-key")}
        assert paid - {None} in ({"sk-ant-test"}, {"Bearer sk-test"}, {"g-test"})


@pytest.mark.parametrize(
    ("headers", "counted"),
    [({"Authorization": f"Bearer {OAUTH}"}, "subscription"), ({"x_api_key": OWN}, "billed")],
)
async def test_the_agents_own_credential_goes_on_untouched(
    tmp_path: Path, headers: dict[str, str], counted: str
) -> None:
    """As in a `run`: a login counts as a subscription, another key as real dollars."""
    async with Device(tmp_path) as device:
        token = await (await key_book(device)).create("ci", {}, 0)

        await send(device, f"/k/{token}/v1/messages", **headers)
        await device.until_idle()

        [entry] = await device.ledger()
        assert (entry["key"], entry["counted"]) == ("ci", counted)
        [seen] = device.sandbox.requests
        for name, value in headers.items():
            assert seen.headers[name.replace("_", "-")] == value


async def test_another_key_of_ours_never_leaves_as_a_credential(tmp_path: Path) -> None:
    """A second virtual key, in a header or inside a run, is taken out and pays nothing."""
    async with Device(tmp_path) as device:
        book = await key_book(device)
        one, two = await book.create("one", {}, 0), await book.create("two", {}, 0)

        await send(device, f"/k/{one}/v1/messages", x_api_key=two)
        await device.post(message(), x_api_key=two)
        await device.until_idle()

        assert [entry.get("key") for entry in await device.ledger()] == ["one", None]
        assert {seen.headers["x-api-key"] for seen in device.sandbox.requests} == {"sk-ant-test"}


async def test_at_its_budget_it_is_refused(tmp_path: Path) -> None:
    """One request, nothing upstream, the budget's own words."""
    async with Device(tmp_path, [budget("key-ci", "0.001", key="ci")]) as device:
        token = await (await key_book(device)).create("ci", {}, 0)

        reply = await send(device, f"/k/{token}/v1/messages")

        assert reply.status == 402
        assert "agentspend budget raise key-ci" in reply.error["message"]
        assert device.sandbox.bill.rows == []


async def test_its_models_and_limits_hold(tmp_path: Path) -> None:
    """Another model is refused before anything leaves, naming what is allowed; past its rate the
    client is told to come again, and a second key has a counter of its own."""
    admission = AdmissionSection(wait_s=0)
    async with Device(tmp_path, keys=KEYS, admission=admission) as device:
        book = await key_book(device)
        token = await book.create("ci", {"models": ["claude-haiku-*", "gpt-4.1-mini"]}, 0)
        reply = await send(device, f"/k/{token}/v1/messages")
        assert reply.status == 402
        said = reply.error["message"]
        assert (
            "the rule on models for key=ci, of virtual key ci, says so. Allowed: claude-h" in said
        )
        assert said.endswith("in another terminal: agentspend key update ci")
        assert device.sandbox.requests == []
        assert (await send(device, f"/k/{token}/v1/chat/completions", CHAT)).status == 200

        slow, other = (
            await book.create("slow", {"rpm": 1}, 0),
            await book.create("o", {"rpm": 1}, 0),
        )
        assert (await send(device, f"/k/{slow}/v1/messages")).status == 200
        again = await send(device, f"/k/{slow}/v1/messages", x_claude_code_session_id="another")
        assert again.status == 429
        assert int(again.headers["retry-after"]) > 0
        assert (await send(device, f"/k/{other}/v1/messages")).status == 200


DIALECTS: list[tuple[str, dict[str, Any], str, int]] = [
    ("/v1/messages", message(), CLAUDE, 402),
    ("/v1/messages", message(), SDK, 400),
    ("/v1/chat/completions", CHAT, SDK, 400),
    ("/v1/responses", RESPONSES, "codex_exec/0.169.0", 400),
    (f"{FLASH}:generateContent", GEMINI, "GeminiCLI-tui/0.61.0/x", 400),
]


@pytest.mark.parametrize(("path", "body", "agent", "status"), DIALECTS, ids=lambda it: str(it)[:30])
async def test_a_key_that_ended_says_so_in_words_nobody_retries(
    tmp_path: Path, path: str, body: dict[str, Any], agent: str, status: int
) -> None:
    """Blocked, expired, replaced, deleted, unknown: the fact and the command, never 401 or 403."""
    time = ManualTime()
    async with Device(tmp_path, time=time, keys=KEYS) as device:
        book = await key_book(device)

        async def told(token: str) -> str:
            reply = await send(device, f"/k/{token}{path}", body, User_Agent=agent)
            assert reply.status == status, reply.body
            return reply.body.decode()

        token = await book.create("ci", {}, 3_600)
        await book.block("ci")
        assert "is blocked. To change it, in another terminal: agentspend key unblock ci" in (
            await told(token)
        )
        await book.unblock("ci")
        new = await book.rotate("ci", 600, 0)
        await time.advance(601)
        assert "was replaced 2026-11-25 13:10 CET: use the new one" in await told(token)
        await time.advance(3_000)
        expired = await told(new)
        assert "expired 2026-11-25 14:00 CET" in expired
        assert "agentspend key rotate ci --expires 90d" in expired
        await book.delete("ci")
        assert "was deleted. Make a new one" in await told(new)
        assert "is not known here" in await told("ask-nobodys")
        assert device.sandbox.requests == []


async def test_a_bare_word_under_k_is_no_session(tmp_path: Path) -> None:
    """A session's own token opens nothing there, and a key's own sessions have none to guess."""
    async with Device(tmp_path) as device:
        token = await (await key_book(device)).create("ci", {}, 0)
        assert (await send(device, f"/k/{token}/v1/messages")).status == 200

        for path in ("/k/test-session-token/v1/messages", "/s/ci/v1/messages", "/k//v1/messages"):
            reply = await send(device, path)
            assert reply.status in (402, 404), path
        assert len(device.sandbox.requests) == 1


async def test_the_grace_of_a_rotation(tmp_path: Path) -> None:
    """Both tokens until it is over, then the new one alone; a second rotation prolongs nothing."""
    time = ManualTime()
    async with Device(tmp_path, time=time, sandbox=None) as device:
        book = await key_book(device)
        old = await book.create("ci", {}, 0)
        new = await book.rotate("ci", 600, 0)

        async def works(token: str) -> bool:
            return (await send(device, f"/k/{token}/v1/messages")).status == 200

        assert await works(old)
        assert await works(new)
        await time.advance(300)
        newest = await book.rotate("ci", 86_400, 0)
        await time.advance(301)
        assert [await works(token) for token in (old, new, newest)] == [False, True, True]


async def test_keys_are_known_again_after_a_restart(tmp_path: Path) -> None:
    """Settings, states and tokens, by what stands on disk: hashes, never a token."""
    async with Sandbox() as sandbox:
        async with Device(tmp_path, sandbox=sandbox) as device:
            book = await key_book(device)
            token = await book.create("ci", {"models": ["claude-*"], "rpm": 9}, 3_600)
            blocked = await book.create("other", {}, 0)
            await book.block("other")
            entries = await device.ledger("key")
        async with Device(tmp_path, sandbox=sandbox) as device:
            again = await key_book(device)
            assert again.named("ci").key == book.named("ci").key
            assert (await send(device, f"/k/{token}/v1/messages")).status == 200
            assert (await send(device, f"/k/{blocked}/v1/messages")).status == 402
            assert (await send(device, "/v1/models", x_api_key=token)).status == 405
    assert [(entry["key"], entry["text"]) for entry in entries] == [
        ("ci", "created"), ("other", "created"), ("other", "blocked")
    ]  # fmt: skip
    assert entries[0]["policy"].keys() == {"models", "rpm", "expires_us"}
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert token.encode() not in kept
    assert token.removeprefix("ask-").encode() not in kept


async def test_a_count_and_a_list_of_models_pass_with_a_key(tmp_path: Path) -> None:
    """Free endpoints, and a client's first look at the address."""
    async with Device(tmp_path) as device:
        token = await (await key_book(device)).create("ci", {}, 0)
        counted = await send(device, f"/k/{token}/v1/messages/count_tokens")
        assert msgspec.json.decode(counted.body)["input_tokens"] > 0
        url = f"http://127.0.0.1:{device.port}/k/{token}/api/hello"
        async with device.client.head(url) as answer:
            assert answer.status == 200
        async with device.client.head(url.replace(token, "ask-nobodys")) as answer:
            assert answer.status == 404
