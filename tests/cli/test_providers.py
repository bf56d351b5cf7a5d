"""`agentspend providers`: who can be asked, one command to set it up, a free look at it."""

import sys

import pytest

from agentspend.cli.diagnostics import ExitCode
from tests.cli.conftest import Command
from tests.support.process import Home, SandboxProcess

KEY = "gw-canary-4711"


@pytest.fixture(autouse=True)
def _home(here: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test here shares one daemon, and nobody is at the keyboard."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)


def test_list(agentspend: Command) -> None:
    """Those that are set up first, then the ready ones, with dialects, address and prices."""
    ran = agentspend("providers", "list")
    assert ran.code == 0
    rows = {line.split()[0]: line for line in ran.out.splitlines()[1:]}
    assert list(rows)[:3] == ["anthropic", "openai", "google"]
    assert rows["openrouter"].endswith("ready")
    assert "chat messages" in rows["deepseek"]
    assert "free" in rows["ollama"]
    assert "an address of your own" in rows["azure"]


def test_list_in_json(agentspend: Command) -> None:
    """A key is named by its place, never shown; what is free says so."""
    found = agentspend("providers", "list", "--json").json()
    rows = {row["name"]: row for row in found["providers"]}
    assert found["v"] == 1
    assert rows["anthropic"]["key"] == "AGENTSPEND_ANTHROPIC_KEY"
    assert (rows["ollama"]["free"], rows["xai"]["free"]) == (True, False)
    assert rows["xai"]["prices"] > 10
    assert rows["deepseek"]["base_urls"] == {"anthropic": "https://api.deepseek.com/anthropic"}


def test_add_a_ready_one(agentspend: Command, here: Home) -> None:
    """Its name is enough; the next command is named, and asking again changes nothing."""
    ran = agentspend("providers", "add", "xai")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.endswith("→ agentspend keys set xai\n")
    text = here.config.read_text()
    assert "[providers.xai]" in text
    again = agentspend("providers", "add", "xai")
    assert again.err.startswith("xai is set up already")
    assert here.config.read_text() == text


def test_add_a_server_of_ones_own_and_test_it(
    agentspend: Command, here: Home, provider: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it speaks and where; then a free call tells whether it answers, never the key."""
    url = f"{provider.url}/gw/v1"
    ran = agentspend("providers", "add", "gateway", "--dialect", "openai_chat", "--base-url", url,
                     "--price-prefix", "openai", "--key", "CORP_KEY")  # fmt: skip
    assert ran.code == 0, ran.err
    assert f'base_url = "{url}"' in here.config.read_text()

    without = agentspend("providers", "test", "gateway")
    assert without.code == ExitCode.FAILED
    assert "→ agentspend keys set gateway" in without.err

    agentspend("daemon", "stop")
    monkeypatch.setenv("CORP_KEY", KEY)
    tested = agentspend("providers", "test", "gateway", "--model", "gpt-4.1", "--json").json()
    assert (tested["status"], tested["key"], tested["model_listed"]) == (200, "accepted", True)
    assert tested["model_priced"]
    assert "gpt-4.1" in tested["priced"]
    assert KEY not in str(tested)
    assert provider.bill()["requests"] == 0

    lacking = agentspend("providers", "test", "gateway", "--model", "gpt-99")
    assert lacking.code == ExitCode.FAILED
    assert "agentspend prices set gateway/gpt-99" in lacking.err


def test_a_provider_that_does_not_answer(agentspend: Command) -> None:
    """It is said why, and where the address is to be seen."""
    url = "http://127.0.0.1:9/v1"
    agentspend("providers", "add", "deaf", "--dialect", "openai_chat", "--base-url", url, "--free")
    ran = agentspend("providers", "test", "deaf")
    assert ran.code == ExitCode.FAILED
    assert "deaf does not answer: cannot reach http://127.0.0.1:9" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gw"], "providers add gw --dialect openai_chat --base-url"),
        (["azure"], "providers add azure --base-url https://RESOURCE"),
        (["Gw", "--dialect", "gemini", "--base-url", "https://h"], "such as my-gateway"),
        (["mistral", "--base-url", "http://h"], "in clear text"),
        (["mistral", "--key", "sk-canary"], "no place for the key itself"),
        (["mistral", "--on-disconnect", "wait"], 'use "cancel" or "drain"'),
        (["mistral", "--dialect", "grpc"], "no API that is spoken here"),
    ],
)
def test_what_cannot_be_set_up(
    agentspend: Command, here: Home, words: list[str], said: str
) -> None:
    """The file stays as it is, and the words that were wrong are named; a key is not repeated."""
    before = here.config.read_text()
    ran = agentspend("providers", "add", *words)
    assert (ran.code, here.config.read_text()) == (ExitCode.USAGE, before)
    assert said in ran.err
    assert "canary" not in ran.err


def test_a_provider_nobody_knows(agentspend: Command) -> None:
    """Testing one that is not set up says which are, and how to add it."""
    assert "agentspend providers add groq" in agentspend("providers", "test", "groq").err
    assert "did you mean openai?" in agentspend("providers", "test", "opnai").err
