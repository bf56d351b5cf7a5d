"""The compatible servers over the wire: their paths, their keys, their refusals, their bills."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from agentspend.sandbox.compatible.dialect import served_at, server_at
from agentspend.sandbox.compatible.prices import CARDS
from agentspend.sandbox.compatible.servers import SERVERS
from agentspend.sandbox.server import Sandbox

TURN = [{"role": "user", "content": "say hi"}]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A fresh server."""
    async with Sandbox() as found:
        yield found


async def post(sandbox: Sandbox, path: str, body: object, **headers: str) -> tuple[int, str]:
    """The status and text of one answer."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as client,
        client.post(sandbox.url + path, json=body, headers=sent) as answer,
    ):
        return answer.status, await answer.text()


def test_a_path_names_its_server() -> None:
    """What stands behind `/as/` is a server; everything else is nobody's here."""
    assert server_at("/as/groq/openai/v1/models") is SERVERS["groq"]
    assert server_at("/as/nobody/v1/models") is None
    assert server_at("/v1/as/groq") is None
    assert served_at("/v1/chat/completions") is None
    assert set(CARDS) == set(SERVERS)


@pytest.mark.parametrize("path", ["chat/completions", "responses", "messages"])
@pytest.mark.parametrize("name", SERVERS)
async def test_each_shape_is_answered_and_billed(sandbox: Sandbox, name: str, path: str) -> None:
    """One row of the bill a request, at the server's own price."""
    words = {"input": TURN} if path == "responses" else {"messages": TURN, "max_tokens": 900}
    body = {"model": next(iter(CARDS[name])), **words}
    status, said = await post(sandbox, f"/as/{name}/v1/{path}", body, Authorization="Bearer k")
    assert status == 200, said
    [row] = sandbox.bill.rows
    assert (row.usd == 0) == (not SERVERS[name].needs_key)


async def test_what_each_server_refuses(sandbox: Sandbox) -> None:
    """No key, no such model, or a question that Mistral does not take; nothing is billed."""
    body = {"model": "devstral-2512", "messages": TURN}
    at = "/as/mistral/v1/chat/completions"
    assert (await post(sandbox, at, body))[0] == 401
    key = {"Authorization": "Bearer k"}
    assert (await post(sandbox, at, {**body, "model": "gpt-4.1"}, **key))[0] == 404
    asking = {**body, "stream": True, "stream_options": {"include_usage": True}}
    assert (await post(sandbox, at, asking, **key))[0] == 422
    azure = {"model": "gpt-4.1", "messages": TURN}
    assert (await post(sandbox, "/as/azure/openai/v1/chat/completions", azure, api_key="k"))[
        0
    ] == 200
    assert len(sandbox.bill.rows) == 1


async def test_models_are_those_of_the_server(sandbox: Sandbox) -> None:
    """Each lists its own."""
    url = f"{sandbox.url}/as/zai/api/paas/v4/models"
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        found = await answer.json()
    assert [each["id"] for each in found["data"]] == ["glm-5.3"]
