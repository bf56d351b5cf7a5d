"""A real LiteLLM proxy between us and the provider, in every dialect: billed to the nano-dollar.

Not among the test requirements (it takes minutes to install): `pip install 'litellm[proxy]'` in a
virtual environment of its own, and `AGENTSPEND_LITELLM=…/bin/litellm` names the program.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agentspend.sandbox.server import Sandbox
from tests.support.desk import TOKEN, Device
from tests.support.ports import free_port

PROGRAM = os.environ.get("AGENTSPEND_LITELLM", "")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="AGENTSPEND_LITELLM names no LiteLLM")

KEY = "sk-litellm"
MODELS = {
    "openai/gpt-4.1": ("openai/gpt-4.1", "/v1"),
    "gpt-4.1": ("openai/gpt-4.1", "/v1"),
    "anthropic/claude-sonnet-4-5": ("anthropic/claude-sonnet-4-5", ""),
}
TURN = [{"role": "user", "content": "say hi " * 600}]
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": TURN, "max_tokens": 500},
    "/v1/messages": {"messages": TURN, "max_tokens": 500},
    "/v1/responses": {"input": TURN, "max_output_tokens": 500},
}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[tuple[str, Sandbox]]:
    """LiteLLM in front of a sandbox: its address, and the sandbox."""
    async with Sandbox() as sandbox:
        listed = [
            {"model_name": name, "litellm_params": {
                "model": model, "api_base": f"{sandbox.url}{path}", "api_key": "k"}}
            for name, (model, path) in MODELS.items()
        ]  # fmt: skip
        config = tmp_path / "litellm.json.yaml"
        config.write_text(json.dumps({"model_list": listed,
                                      "general_settings": {"master_key": KEY}}))  # fmt: skip
        port = free_port()
        with (tmp_path / "litellm.log").open("wb") as log:
            process = subprocess.Popen(
                [PROGRAM, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)],
                stdout=log, stderr=log,
            )  # fmt: skip
            try:
                url = f"http://127.0.0.1:{port}"
                await _until_it_answers(f"{url}/v1/models")
                yield url, sandbox
            finally:
                process.terminate()
                process.wait(20)


async def _until_it_answers(url: str) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as client:
        for _ in range(240):
            try:
                async with client.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.5)
    pytest.fail("LiteLLM did not start")


async def test_every_dialect_through_litellm_is_billed_exactly(
    tmp_path: Path, gateway: tuple[str, Sandbox]
) -> None:
    """18 requests: three names, three dialects, streamed and plain; our ledger is the bill."""
    url, sandbox = gateway
    config = (
        f'[providers.litellm]\nbase_url = "{url}"\n'
        'price_prefix = { "gpt-*" = "openai", "openai/*" = "openai", '
        '"anthropic/*" = "anthropic" }\n'
    )
    async with Device(tmp_path, [], keys={"litellm": KEY}, config=config) as device:
        for name in MODELS:
            for path, words in ASKED.items():
                for stream in (False, True):
                    body = {"model": name, "stream": stream, **words}
                    sent = {"x_api_key": "", "Authorization": f"Bearer {TOKEN}"}
                    reply = await device.post(body, f"/@litellm{path}", **sent)
                    assert reply.status == 200, reply.body
        await device.until_idle()

        entries = await device.ledger()
        assert [entry["amount_nusd"] for entry in entries] == [
            row.nusd_up for row in sandbox.bill.rows
        ]
        assert len(entries) == 18
        assert {entry["billing"] for entry in entries} == {"exact"}
