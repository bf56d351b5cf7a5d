"""The interactive Claude Code in a real terminal: its screen, its title call, its refusals."""

import sys

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.world import KEY, World

pytestmark = pytest.mark.agent

SAYS = {"answer": [{"type": "text", "text": "Hello from the sandbox."}], "output_tokens": 12}
READY = "❯"
PROMPT = "please say hi to everybody"  # below ten characters no title is asked for
# The switch that stops all calls home stops the title call too; so they meet a closed door.
CALLS_HOME_GO_NOWHERE = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "",
    "HTTPS_PROXY": "http://127.0.0.1:9",
}


def start(world: World, terminal: Terminal, *words: str) -> None:
    """Start `agentspend run claude` past its first-time questions, and wait for its prompt."""
    trust = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    world.write(
        ".claude.json",
        {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "projects": {str(world.work.resolve()): trust},
        },
    )
    command = [sys.executable, "-m", "agentspend", "run", "claude", *words]
    env = {**world.home.env, **CALLS_HOME_GO_NOWHERE, "ANTHROPIC_API_KEY": KEY}
    terminal.start(command, env)
    terminal.until_shown(READY)


def ask(terminal: Terminal, text: str) -> None:
    """Type a prompt and send it."""
    terminal.type(text)
    terminal.until_shown(text)
    terminal.press("Enter")


def leave(terminal: Terminal) -> int:
    """Leave as people do: Ctrl-C twice; the exit code of the run."""
    terminal.press("C-c")
    terminal.until_shown("Press Ctrl-C again")
    terminal.press("C-c")
    return terminal.until_ended()


def test_the_answer_is_on_screen_and_the_title_call_is_counted(
    world: World, terminal: Terminal
) -> None:
    """A prompt makes two calls; both are in both books, at the same cost."""
    world.sandbox.direct(SAYS)
    start(world, terminal)

    ask(terminal, PROMPT)

    terminal.until_shown("Hello from the sandbox.")
    terminal.until(lambda: len(world.ours()) >= 2, "the title call")
    assert leave(terminal) == 0
    world.agree(at_least=2)
    assert any("json_schema" in post["body"] for post in world.seen())
    terminal.until_shown(f"in {len(world.ours())} requests")


def test_over_budget_the_message_is_on_screen(world: World, terminal: Terminal) -> None:
    """The person reads which budget said no and the command that changes it."""
    world.cap("0.001")
    start(world, terminal)

    ask(terminal, PROMPT)

    terminal.until_shown("budget 'daily'", "agentspend budget raise daily")
    assert leave(terminal) == 0
    terminal.until_shown("in 0 requests, 2 refused")
    assert world.theirs() == {}


def test_a_raise_in_another_terminal_lets_the_session_go_on(
    world: World, terminal: Terminal
) -> None:
    """Nothing has to be restarted: the next prompt gets its answer."""
    world.sandbox.direct(SAYS)
    world.cap("0.001")
    start(world, terminal)
    ask(terminal, PROMPT)
    terminal.until_shown("agentspend budget raise daily")

    assert world.home.run("budget", "raise", "daily", "--to", "25").returncode == 0
    ask(terminal, "say it again")

    terminal.until_shown("Hello from the sandbox.")
    assert leave(terminal) == 0
    world.agree(at_least=1)


def test_the_status_line_stands_under_the_prompt(world: World, terminal: Terminal) -> None:
    """Once installed, each run shows what is left, as the proxy measured it; no file of the
    person's is touched."""
    world.cap("5.00")
    done = world.home.run("statusline", "--install")
    assert done.returncode == 0, done.stderr
    world.sandbox.direct(SAYS)
    start(world, terminal)
    terminal.until_shown("daily ▕", "$5.00 left")

    ask(terminal, PROMPT)

    terminal.until_shown("Hello from the sandbox.", "daily ▕█", "$4.")
    assert leave(terminal) == 0
    assert not (world.home.user / ".claude" / "settings.json").exists()
