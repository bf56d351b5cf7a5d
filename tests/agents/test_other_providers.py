"""The providers that agents have names of their own for."""

import pytest

from agentspend.agents.base import Auth, KeySource, ProviderFacts, SessionFacts
from agentspend.agents.other_providers import OTHERS, how_to_meter, listed, ways
from agentspend.config.ready_providers import READY
from agentspend.core.errors import LaunchError
from tests.agents.conftest import BASE_URL, TOKEN, Machine
from tests.agents.test_aider import plan as aider
from tests.agents.test_opencode import EVERY, OTHER, PROJECT, content
from tests.agents.test_opencode import plan as opencode


def test_each_is_ready_and_speaks_chat() -> None:
    """Our name is a ready entry's; no two share a variable or a name."""
    for field in ("name", "litellm", "opencode", "variable"):
        assert len({getattr(other, field) for other in OTHERS}) == len(OTHERS)
    assert all("openai_chat" in READY[other.name].dialects for other in OTHERS)


def test_only_what_is_set_up_has_a_way(machine: Machine) -> None:
    """The path names the provider; one that speaks no Chat has none."""
    facts = machine.facts(others=("xai",))
    [way] = ways(facts)
    assert (way.other.name, way.url, way.keyed) == ("xai", f"{BASE_URL}/@xai/v1", True)
    assert way.key_variables == ("XAI_API_KEY",)
    claude_only = ProviderFacts(KeySource.NONE, Auth.AUTO, "https://zai.test", ("anthropic",))
    apart = SessionFacts(BASE_URL, TOKEN, machine.root, {"zai": claude_only})
    assert list(ways(apart)) == []


def test_how_to_meter_one_that_is_not() -> None:
    """By the agent's own name for it; nothing for one that is nobody's here."""
    assert how_to_meter("opencode", "togetherai").startswith("agentspend providers add together,")
    assert how_to_meter("litellm", "azure") == ""


def test_names_in_a_sentence() -> None:
    """As people write a list."""
    assert [listed(each) for each in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c",
    ]  # fmt: skip


def test_aiders_provider_that_is_set_up_comes_through(machine: Machine) -> None:
    """Its address names it, our token stands in for its key, and `/model` may change to it."""
    model = "openrouter/anthropic/claude-sonnet-4.5"
    found = aider(machine, "--model", model, others=("openrouter", "xai"))
    assert found.env_set["OPENROUTER_API_BASE"] == f"{BASE_URL}/@openrouter/v1"
    assert found.env_set["XAI_API_BASE"] == f"{BASE_URL}/@xai/v1"
    assert found.env_set["OPENROUTER_API_KEY"] == TOKEN
    assert "DEEPSEEK_API_BASE" not in found.env_set
    assert f"OPENROUTER_API_BASE='{BASE_URL}/@openrouter/v1'" in "".join(found.files.values())
    assert "OpenRouter and xAI are metered" in found.notes[0]


def test_aiders_provider_that_is_not_set_up_says_how(machine: Machine) -> None:
    """One command sets it up; for one that nobody here knows there is none."""
    with pytest.raises(LaunchError) as raised:
        aider(machine, "--model", "deepseek/deepseek-chat", others=("xai",))
    assert raised.value.hint == "agentspend providers add deepseek, then once more"
    with pytest.raises(LaunchError, match="azure cannot be metered"):
        aider(machine, "--model", "azure/gpt-5", others=("xai",))


def test_without_a_stored_key_the_agents_own_goes_through_us(machine: Machine) -> None:
    """Its variable stays as it is: the daemon passes that key on, and counts it."""
    found = aider(machine, "--model", "groq/llama", others=("groq",), key=KeySource.NONE,
                 GROQ_API_KEY="gsk_canary", ANTHROPIC_API_KEY="sk-canary")  # fmt: skip
    assert found.env_set["GROQ_API_BASE"] == f"{BASE_URL}/@groq/v1"
    assert "GROQ_API_KEY" not in found.env_set


def test_a_provider_that_is_set_up_is_offered(machine: Machine) -> None:
    """Under OpenCode's own name for it; its address names it, our token stands in for its key."""
    found = opencode(
        machine, "run", "-m", "moonshotai/kimi-k3", "hi", others=("moonshot", "deepseek")
    )
    said = content(found)
    assert said["provider"]["moonshotai"] == {
        "options": {"baseURL": f"{BASE_URL}/@moonshot/v1", "apiKey": TOKEN}
    }
    assert said["enabled_providers"] == [*EVERY, "deepseek", "moonshotai"]
    assert "Google, DeepSeek and Moonshot only" in found.notes[0]


def test_opencodes_provider_that_is_not_set_up_says_how(machine: Machine) -> None:
    """One command sets it up."""
    with pytest.raises(LaunchError) as raised:
        opencode(machine, "run", "-m", "openrouter/z-ai/glm-5.3", "hi")
    assert raised.value.hint == "agentspend providers add openrouter, then once more"


def test_a_provider_that_is_led_elsewhere_is_not_offered(machine: Machine) -> None:
    """A gateway's own key must not reach another host, and a managed file beats every plan."""
    gateway = {"provider": {"xai": {"options": {"baseURL": OTHER, "apiKey": "canary"}}}}
    machine.put(PROJECT, gateway)
    assert "xai" in content(opencode(machine, others=("xai",)))["provider"]
    keyless = opencode(machine, others=("xai",), key=KeySource.NONE, ANTHROPIC_API_KEY="k")
    assert "xai" not in content(keyless)["enabled_providers"]
    machine.put("managed/opencode.json", gateway)
    assert "xai" not in content(opencode(machine, others=("xai",)))["enabled_providers"]
