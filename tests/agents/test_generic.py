"""Any command: every dialect's variables, and our token for its key."""

import pytest

from agentspend.agents import launcher_for
from agentspend.agents.base import Auth, KeySource, LaunchPlan
from agentspend.core.errors import LaunchError
from tests.agents.conftest import BASE_URL, TOKEN, Machine

URLS = {
    "ANTHROPIC_BASE_URL": BASE_URL,
    "ANTHROPIC_API_BASE": BASE_URL,
    "OPENAI_BASE_URL": f"{BASE_URL}/v1",
    "OPENAI_API_BASE": f"{BASE_URL}/v1",
    "GOOGLE_GEMINI_BASE_URL": BASE_URL,
    "GEMINI_API_BASE": f"{BASE_URL}/v1beta",
}
NO_PROXY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
KEYS = {"ANTHROPIC_API_KEY": TOKEN, "ANTHROPIC_AUTH_TOKEN": TOKEN}


def test_the_plan_with_a_key(machine: Machine) -> None:
    """The command is untouched; both Anthropic key variables hold the token."""
    found = launcher_for("--").plan(["some-agent", "--x"], machine.facts(), machine.caller())

    assert found == LaunchPlan(
        argv=("some-agent", "--x"), env_set={**URLS, **NO_PROXY, **KEYS}, auth=Auth.KEY
    )


def test_the_plan_without_a_key_sets_no_credential(machine: Machine) -> None:
    """The program's own credentials go through untouched."""
    facts = machine.facts(KeySource.NONE)

    found = launcher_for("--").plan(["some-agent"], facts, machine.caller(ANTHROPIC_API_KEY="own"))

    assert dict(found.env_set) == {**URLS, **NO_PROXY}
    assert found.env_unset == ()


def test_a_known_agent_is_pointed_to_its_own_launcher(machine: Machine) -> None:
    """`-- claude` works, but its settings files are not looked at: a note says so."""
    found = launcher_for("--").plan(["claude"], machine.facts(), machine.caller())

    assert found.notes == ("`agentspend run claude` also checks claude's own settings",)


def test_each_provider_with_a_key_gets_the_token(machine: Machine) -> None:
    """A stored OpenAI key moves nothing but OpenAI's clients."""
    facts = machine.facts(providers=["openai"])

    found = launcher_for("--").plan(["some-agent"], facts, machine.caller())

    assert found.env_set == {**URLS, **NO_PROXY, "OPENAI_API_KEY": TOKEN}


def test_an_existing_no_proxy_is_kept(machine: Machine) -> None:
    """Loopback is added to what is there; a star already covers it."""
    facts = machine.facts()
    lists = launcher_for("--").plan(["some-agent"], facts, machine.caller(NO_PROXY="a, localhost"))
    star = launcher_for("--").plan(["some-agent"], facts, machine.caller(NO_PROXY="*"))

    assert lists.env_set["NO_PROXY"] == "a,localhost,127.0.0.1"
    assert lists.env_set["no_proxy"] == "a,localhost,127.0.0.1"
    assert star.env_set["NO_PROXY"] == "*"


@pytest.mark.parametrize("args", [[], ["no-such-program"]])
def test_nothing_to_start_is_refused(machine: Machine, args: list[str]) -> None:
    """A missing command is found before a session is opened for it."""
    with pytest.raises(LaunchError):
        launcher_for("--").plan(args, machine.facts(), machine.caller())


def test_an_unknown_agent_is_answered_with_the_known_ones() -> None:
    """The message lists the launchers, the hint starts the command anyway."""
    with pytest.raises(LaunchError) as caught:
        launcher_for("goose")

    assert "claude, codex, gemini, opencode, aider" in caught.value.message
    assert "agentspend run -- goose" in caught.value.hint
