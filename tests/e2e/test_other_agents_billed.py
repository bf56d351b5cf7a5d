"""Codex, Gemini CLI, OpenCode and aider through a real daemon: billed as the provider bills."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import World, last_line

SAYS = {"answer": [{"type": "text", "text": "Hello from the sandbox."}], "output_tokens": 12}
KEYS = {"OPENAI_API_KEY": "sk-proj-canary-of-a-key-000000000000", "GEMINI_API_KEY": "AIza-canary"}
BIN = Path(__file__).parents[2] / ".cache/agents/bin"
ASK = {
    "codex": ("codex", "exec", "--skip-git-repo-check", "-m", "gpt-5.4-mini", "say hi"),
    "gemini": ("gemini", "--skip-trust", "-m", "gemini-2.5-flash", "-p", "say hi"),
    "opencode": ("opencode", "run", "-m", "openai/gpt-5.4-mini", "say hi"),
    "aider": (
        "aider", "--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings",
        "--no-analytics", "--model", "openai/gpt-4.1-mini", "--message", "say hi",
    ),
}  # fmt: skip
EACH = [pytest.param(words, marks=pytest.mark.agent(name), id=name) for name, words in ASK.items()]


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """The sandbox is every provider."""
    with World(folder) as found:
        with found.home.config.open("a") as config:
            for name in ("openai", "google"):
                config.write(f'[providers.{name}]\nbase_url = "{found.sandbox.url}"\n')
        found.home.env["PATH"] = f"{BIN}:{found.home.env['PATH']}"
        found.sandbox.direct(SAYS)
        yield found


@pytest.mark.parametrize("words", EACH)
def test_it_works_and_is_billed_as_the_provider_bills(world: World, words: tuple[str, ...]) -> None:
    """The answer arrives; every entry equals the bill's row; the provider saw the caller's key."""
    done = world.run(*words, **KEYS)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Hello from the sandbox." in done.stdout
    charged = {entry["response_id"]: entry["amount_nusd"] for entry in world.settled()}
    billed = {row["message_id"]: row["nusd_up"] for row in world.sandbox.bill()["rows"]}
    assert charged == billed
    assert charged
    if "gemini" not in words:  # Google sends no id of the request.
        assert world.ours() == world.theirs()
    assert last_line(done).startswith("agentspend: this session cost $0.")
    sent = [post["headers"] for post in world.seen()]
    assert all(any(key in str(headers) for key in KEYS.values()) for headers in sent)


@pytest.mark.parametrize("words", EACH)
def test_over_budget_nothing_reaches_the_provider(world: World, words: tuple[str, ...]) -> None:
    """The agent stops by itself, shows our words, and no money is spent or held."""
    world.cap("0.0001")

    done = world.run(*words, **KEYS)

    assert "budget 'daily'" in done.stdout + done.stderr
    assert " in 0 requests, " in last_line(done)
    assert world.theirs() == {}
    (line,) = world.home.json("status")["budgets"]
    assert (line["spent_nusd"], line["held_nusd"]) == (0, 0)
