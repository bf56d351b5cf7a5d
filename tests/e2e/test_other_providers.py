"""Agents whose models are other providers': by a choice at the start, or by their own name for it.

Real agents, a real daemon, and a sandbox that answers as each provider does.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import World, last_line

SAYS = {"answer": [{"type": "text", "text": "Hello from the sandbox."}], "output_tokens": 12}
BIN = Path(__file__).parents[2] / ".cache/agents/bin"
AT = {"zai": "api/paas/v4", "openrouter": "api/v1"}
NAMES = ("openrouter", "deepseek", "xai", "mistral", "groq", "moonshot", "zai", "together",
         "fireworks")  # fmt: skip
KEYS = {f"AGENTSPEND_{name.upper()}_KEY": f"canary-of-{name}" for name in NAMES}
AIDER = ("aider", "--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings",
         "--no-analytics", "--message", "say hi", "--model")  # fmt: skip
ASK = {
    "deepseek": (*AIDER, "deepseek/deepseek-v4-pro"),
    "openrouter": (*AIDER, "openrouter/z-ai/glm-5.3"),
    "xai": (*AIDER, "xai/grok-4.6"),
    "mistral": (*AIDER, "mistral/devstral-2512"),
    "groq": (*AIDER, "groq/openai/gpt-oss-120b"),
    "moonshot": (*AIDER, "moonshot/kimi-k2.7-code"),
    "zai": (*AIDER, "zai/glm-5.3"),
    "together": (*AIDER, "together_ai/zai-org/GLM-5.3"),
    "fireworks": (*AIDER, "fireworks_ai/accounts/fireworks/models/glm-5p3"),
}


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """Every other provider is set up; the sandbox is all of them."""
    with World(folder, LITELLM_LOCAL_MODEL_COST_MAP="True") as found:
        with found.home.config.open("a") as config:
            for name in NAMES:
                url = f"{found.sandbox.url}/as/{name}/{AT.get(name, 'v1')}"
                config.write(f'[providers.{name}]\nbase_url = "{url}"\n')
        found.home.env["PATH"] = f"{BIN}:{found.home.env['PATH']}"
        found.sandbox.direct(SAYS)
        yield found


@pytest.mark.agent("aider")
@pytest.mark.parametrize("name", ASK)
def test_aiders_own_name_for_a_provider_leads_there_through_us(world: World, name: str) -> None:
    """Billed to the nano-dollar under that provider, with its key, which aider never saw."""
    done = world.run(*ASK[name], key="", **KEYS)

    assert "Hello from the sandbox." in done.stdout, done.stdout + done.stderr
    world.agree()
    assert {entry["provider"] for entry in world.settled()} == {name}
    assert all(f"canary-of-{name}" in str(post["headers"]) for post in world.seen())
    assert last_line(done).startswith("agentspend: this session cost $0.")


@pytest.mark.agent("claude")
def test_claude_code_by_a_choice_at_the_start(world: World) -> None:
    """Every request of the session goes to the provider that was chosen, and only there."""
    done = world.run("--provider", "zai", "claude", "-p", "say hi", "--model", "glm-5.3",
                     "--output-format", "json", key="", **KEYS)  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["result"] == "Hello from the sandbox."
    world.agree()
    assert {entry["provider"] for entry in world.settled()} == {"zai"}
    assert " · asks zai only · " in done.stderr or "agentspend: asks zai only · " in done.stderr
    assert all("/as/zai/api/paas/v4/messages" in post["path"] for post in world.seen())
    assert all("canary-of-zai" in str(post["headers"]) for post in world.seen())


@pytest.mark.agent("claude")
def test_a_choice_that_cannot_be_made_is_said_before_the_start(world: World) -> None:
    """Without a key of it, or without the provider: nothing is sent to anybody."""
    keyless = world.run("--provider", "groq", "claude", "-p", "hi", key="")
    assert "→ agentspend keys set groq" in keyless.stderr
    unknown = world.run("--provider", "azure", "claude", "-p", "hi", key="")
    assert "→ agentspend providers add azure" in unknown.stderr
    assert world.theirs() == {}


@pytest.mark.agent("codex")
def test_an_agent_whose_api_is_not_spoken_is_told_who_would(world: World) -> None:
    """Codex speaks Responses, DeepSeek does not: one refusal, and nobody else is asked instead."""
    done = world.run("--provider", "deepseek", "codex", "exec", "--skip-git-repo-check", "-m",
                     "gpt-5.4-mini", "say hi", key="", **KEYS)  # fmt: skip
    said = done.stdout + done.stderr
    assert "which its provider does not speak" in said
    assert world.theirs() == {}


@pytest.mark.agent("opencode")
def test_opencodes_own_name_for_a_provider_leads_there_through_us(world: World) -> None:
    """OpenCode's list has the model; its title call on a small model is billed there, too."""
    done = world.run("opencode", "run", "-m", "deepseek/deepseek-v4-pro", "say hi", key="", **KEYS)

    assert "Hello from the sandbox." in done.stdout, done.stdout + done.stderr
    world.agree()
    assert {entry["provider"] for entry in world.settled()} == {"deepseek"}
