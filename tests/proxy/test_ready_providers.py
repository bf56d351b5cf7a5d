"""Every ready entry through the whole journey, against a sandbox that answers as it does.

The sandbox copies what the vendors document; none of this was ever sent to the vendors themselves.
"""

from pathlib import Path
from typing import Any

import pytest

from agentspend.config.ready_providers import OTHERS, Ready
from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.compatible.prices import CARDS
from agentspend.sandbox.compatible.servers import SERVERS
from agentspend.sandbox.server import Sandbox
from tests.support.desk import TOKEN, Device, Reply, budget

LONG = "the same long beginning of a conversation, which a server may keep in its cache. " * 120
VERSION = {"zai": "api/paas/v4", "groq": "openai/v1", "openrouter": "api/v1", "azure": "openai/v1"}
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
}
SPOKEN = [(each, dialect) for each in OTHERS for dialect in each.dialects]


def config(each: Ready, more: str = "") -> str:
    """The entry as it stands, but for its address."""
    at = f"SANDBOX/as/{each.name}/{VERSION.get(each.name, 'v1')}"
    return f'[providers.{each.name}]\nbase_url = "{at}"\n{more}'


def asked(each: Ready, dialect: str, model: str, *, stream: bool) -> dict[str, Any]:
    """A request of this dialect with a prompt that is long enough to be cached."""
    turn = [{"role": "user", "content": LONG}]
    limit = "max_output_tokens" if dialect == "openai_responses" else "max_tokens"
    words = {"input": turn} if dialect == "openai_responses" else {"messages": turn}
    return {"model": model, limit: 2_000, "stream": stream, **words}


async def post(device: Device, each: Ready, dialect: str, body: dict[str, Any]) -> Reply:
    """One request with our token where a client of this provider puts a key."""
    path = f"/@{each.name}{PATHS[dialect]}"
    return await device.post(body, path, x_api_key="", Authorization=f"Bearer {TOKEN}")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("each", "dialect"), SPOKEN, ids=lambda value: getattr(value, "name", value)
)
async def test_a_ready_provider_is_billed_to_the_nano_dollar(
    tmp_path: Path, each: Ready, dialect: str, *, stream: bool
) -> None:
    """Twice the same prompt to every model: what was cached, and what was thought, costs right."""
    async with Sandbox(behaviour=Behaviour(output_tokens=400, thinking_tokens=150)) as sandbox:
        keys = {each.name: "key-of-it"}
        text = config(each)
        async with Device(tmp_path, [], keys=keys, config=text, sandbox=sandbox) as device:
            for model in CARDS[each.name]:
                body = asked(each, dialect, model, stream=stream)
                for _ in range(2):
                    reply = await post(device, each, dialect, body)
                    assert reply.status == 200, reply.body
            await device.until_idle()

            entries = await device.ledger()
            assert [entry["amount_nusd"] for entry in entries] == [
                row.nusd_up for row in sandbox.bill.rows
            ]
            assert {entry["provider"] for entry in entries} == {each.name}
            billing = {"free"} if each.free else {"exact"}
            assert {entry["billing"] for entry in entries} == billing
            cached = sum(row.usage.cache_read_input_tokens for row in sandbox.bill.rows)
            assert (cached > 0) == (dialect != "anthropic" and bool(SERVERS[each.name].cached))
            assert (await device.spent_nusd() > 0) is not each.free


@pytest.mark.parametrize("each", OTHERS, ids=lambda each: each.name)
async def test_a_ready_provider_keeps_a_budget(tmp_path: Path, each: Ready) -> None:
    """What does not fit is refused before it leaves; what is free always fits."""
    caps = [budget("cap", "0.0001", provider=each.name)]
    async with Device(tmp_path, caps, keys={each.name: "k"}, config=config(each)) as device:
        model = next(iter(CARDS[each.name]))
        body = asked(each, each.dialects[0], model, stream=False)
        reply = await post(device, each, each.dialects[0], body)
        await device.until_idle()

        assert reply.status == (200 if each.free else 400)
        assert len(device.sandbox.bill.rows) == each.free
        if not each.free:
            assert "agentspend budget raise cap" in reply.error["message"]


@pytest.mark.parametrize("each", OTHERS, ids=lambda each: each.name)
async def test_a_ready_provider_gets_its_key_where_it_looks_for_it(
    tmp_path: Path, each: Ready
) -> None:
    """A bearer for all but Azure; the client's own token is seen by none."""
    async with Device(tmp_path, [], keys={each.name: "key-of-it"}, config=config(each)) as device:
        model = next(iter(CARDS[each.name]))
        await post(device, each, "openai_chat", asked(each, "openai_chat", model, stream=True))
        [seen] = device.sandbox.requests
        where = each.key_header or "Authorization"
        assert seen.headers[where] in ("key-of-it", "Bearer key-of-it")
        assert TOKEN not in str(dict(seen.headers))
        assert seen.path.startswith(f"/as/{each.name}/")
        assert "/v1/v1/" not in seen.path
        assert seen.path.count("/v4/v1") == 0


async def test_openrouters_own_word_is_the_charge(tmp_path: Path) -> None:
    """The sandbox's OpenRouter has other prices than the list: only its statement can be right."""
    each = next(each for each in OTHERS if each.name == "openrouter")
    async with Device(tmp_path, [], keys={"openrouter": "k"}, config=config(each)) as device:
        body = asked(each, "openai_chat", "z-ai/glm-5.3", stream=True)
        await post(device, each, "openai_chat", body)
        await device.until_idle()
        [entry] = await device.ledger()
        [row] = device.sandbox.bill.rows
        usage = row.usage
        listed_pusd = usage.input_tokens * 1_400_000 + usage.output_tokens * 4_400_000
        assert entry["amount_nusd"] == row.nusd_up < listed_pusd // 1_000
        assert entry["rates"][0]["what"] == "stated by the provider"


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])
async def test_xais_own_word_holds_what_its_tools_took(tmp_path: Path, dialect: str) -> None:
    """Its tools are billed by the call, also for pages that were opened: no count tells that."""
    each = next(each for each in OTHERS if each.name == "xai")
    async with Device(tmp_path, [], keys={"xai": "k"}, config=config(each)) as device:
        said = {"cost_in_usd_ticks": 9_876_543_210, "num_server_side_tools_used": 7}
        device.sandbox.behave(lambda _: Behaviour(unknown_usage=said))
        await post(device, each, dialect, asked(each, dialect, "grok-4.6", stream=True))
        await device.until_idle()
        [entry] = await device.ledger()
        assert (entry["amount_nusd"], entry["billing"]) == (987_654_321, "exact")


@pytest.mark.parametrize("name", ["mistral", "groq", "deepseek"])
async def test_a_stream_that_tells_no_usage_is_never_undercounted(
    tmp_path: Path, name: str
) -> None:
    """Asked or not, a server may stay silent: then the bound of the whole request is charged."""
    each = next(each for each in OTHERS if each.name == name)
    silent = Behaviour(output_tokens=400, silent_on_usage="all")
    async with Sandbox(behaviour=silent) as sandbox:
        text = config(each, "stream_usage = false\n")
        async with Device(tmp_path, [], keys={name: "k"}, config=text, sandbox=sandbox) as device:
            body = asked(each, "openai_chat", next(iter(CARDS[name])), stream=True)
            reply = await post(device, each, "openai_chat", body)
            await device.until_idle()

            assert reply.status == 200
            [entry] = await device.ledger()
            assert (entry["billing"], entry["evidence"]) == ("ceiling", "estimate")
            assert entry["amount_nusd"] > sandbox.bill.total_nusd() > 0
