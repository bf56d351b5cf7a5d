"""The live screen in a real terminal, over a real daemon, while a real agent works."""

import json
import sys

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.world import World

pytestmark = pytest.mark.agent

SAYS = {"answer": [{"type": "text", "text": "Hello."}], "output_tokens": 300}


def test_an_agent_at_work_is_seen_and_the_sums_are_those_of_status(
    world: World, terminal: Terminal
) -> None:
    """Its row, its request, what is left: the figures of `status --json`."""
    world.cap("5.00")
    world.sandbox.direct(SAYS)
    terminal.start([sys.executable, "-m", "agentspend", "top"], world.home.env)
    terminal.until_shown("● enforcing", "$5.00 left of $5.00")

    assert world.claude().returncode == 0

    status = json.loads(world.home.run("status", "--json").stdout)
    [budget] = status["budgets"]
    left, spent = budget["free_nusd"] // 10_000_000, -(-budget["spent_nusd"] // 10_000_000)
    terminal.until_shown(
        f"${left // 100}.{left % 100:02d} left of $5.00",
        "claude",
        f"${spent // 100}.{spent % 100:02d}",
    )
    terminal.press("2")
    terminal.until_shown("STATE", "✓")
    terminal.press("Enter")
    terminal.until_shown("closes", "exact, by provider usage")
    terminal.press("Enter")
    terminal.until_shown("STATE")
    terminal.press("q")
    assert terminal.until_ended() == 0


def test_a_raise_from_the_screen_lets_the_agent_go_on(world: World, terminal: Terminal) -> None:
    """Refused, seen in the events, raised with two keys, and the next run is served."""
    world.cap("0.001")
    world.sandbox.direct(SAYS)
    terminal.start([sys.executable, "-m", "agentspend", "top"], world.home.env)
    terminal.until_shown("● enforcing")
    assert world.claude().returncode == 1
    terminal.until_shown("✗ claude refused: daily has no room")

    terminal.press("b")
    terminal.type("5")
    terminal.press("Enter")
    terminal.until_shown("its limit becomes $5.01")
    terminal.press("y")
    terminal.until_shown("daily is $5.01 per day now")

    assert world.claude().returncode == 0
    terminal.press("q")
    assert terminal.until_ended() == 0


def test_a_stopped_daemon_is_never_hidden(world: World, terminal: Terminal) -> None:
    """The first line says that nothing is enforced, and follows the daemon that comes back."""
    world.cap("5.00")
    terminal.start([sys.executable, "-m", "agentspend", "top"], world.home.env)
    terminal.until_shown("● enforcing")
    world.home.run("daemon", "stop")
    terminal.until_shown("○ not enforcing: the daemon stopped")
    world.home.run("daemon", "start")
    terminal.until_shown("● enforcing")
    terminal.press("q")
    assert terminal.until_ended() == 0
