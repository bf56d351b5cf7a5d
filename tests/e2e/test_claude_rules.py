"""Rules besides budgets, with the real Claude Code: it stops, or waits, where it should."""

import json

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.test_claude_agents import COUNT, fan_out, says
from tests.e2e.test_claude_screen import PROMPT, ask, leave, start
from tests.e2e.world import World

pytestmark = pytest.mark.agent

NO_OPUS = '[[models]]\nscope = { agent = "claude" }\ndeny = ["claude-opus-*"]\n'


def add(world: World, text: str) -> None:
    """Write more of the configuration, before any daemon runs."""
    world.home.config.write_text(world.home.config.read_text() + text)


def stories(world: World, *outcomes: str) -> list[str]:
    """The log's lines of requests that were refused or slowed."""
    lines = (world.home.home / "daemon.log").read_text().splitlines()
    return [event for line in lines if (event := json.loads(line)["event"]) in outcomes]


def test_a_forbidden_model_stops_it_after_one_request(world: World) -> None:
    """Exit code 1, our words on stdout, and nothing reached the provider."""
    add(world, NO_OPUS)

    done = world.claude()

    assert done.returncode == 1
    assert "model 'claude-opus-5-5' may not be used here" in done.stdout
    assert "all but claude-opus-*" in done.stdout
    assert world.seen() == []
    assert "1 refused" in done.stderr


def test_the_person_reads_which_rule_said_no(world: World, terminal: Terminal) -> None:
    """On the screen of the interactive one, with the way out."""
    add(world, NO_OPUS)
    start(world, terminal)

    ask(terminal, PROMPT)

    terminal.until_shown("may not be used here", "budget confirm")
    assert leave(terminal) == 0
    assert world.theirs() == {}


def test_a_fan_out_is_paced_and_every_subagent_is_served(world: World) -> None:
    """One subagent at once: the others wait their turn, and nobody hears of it."""
    add(world, '[[rate_limits]]\nper = "session"\nsubagents = 1\n')
    world.sandbox.direct(fan_out())

    done = world.claude()

    assert "All have reported." in done.stdout, done.stderr
    world.agree(at_least=COUNT + 2)
    assert stories(world, "slow", "refuse") == []


def test_a_cap_per_subagent_stops_subagents_and_not_the_main_thread(world: World) -> None:
    """Each has its own little money; the main thread hears of it and goes on."""
    done = world.home.run("budget", "set", "fan-out", "0.01", "--window", "subagent")
    assert done.returncode == 0, done.stderr
    world.sandbox.direct(fan_out())

    done = world.claude()

    assert "All have reported." in done.stdout, done.stderr
    assert f"{COUNT} refused" in done.stderr
    world.agree(at_least=2)
    assert {entry.get("subagent") for entry in world.settled()} == {None}


def test_a_429_is_waited_for_and_asked_again(world: World) -> None:
    """Without patience of ours, Claude Code comes again when `retry-after` has passed."""
    add(world, '[admission]\nwait_s = 0\n[[rate_limits]]\nper = "session"\nparallel = 1\n')
    script = fan_out()
    script["script"]["agents"] = [says("The part is fine.", first_byte_delay_s=1)]
    world.sandbox.direct(script)

    done = world.claude()

    assert "All have reported." in done.stdout, done.stderr
    world.agree(at_least=COUNT + 2)
    assert "slow" in stories(world, "slow", "refuse")
    assert "refused" not in done.stderr


def test_a_program_that_goes_in_circles_is_paused_until_a_person_resumes_it(world: World) -> None:
    """Ten times the same prompt: three leave, and one line says why and how to go on."""
    add(world, "[loop_guard]\nrepeats = 4\n")
    world.sandbox.direct(says("Hello."))
    once = (
        'import os, urllib.request as u; r = u.Request(os.environ["ANTHROPIC_BASE_URL"]'
        ' + "/v1/messages", b\'{"model":"claude-haiku-5-5","max_tokens":50,"messages":'
        '[{"role":"user","content":"again"}]}\', {"content-type": "application/json",'
        ' "x-api-key": os.environ["ANTHROPIC_API_KEY"]})'
    )
    loop = f"""{once}
for _ in range(10):
    try: print(u.urlopen(r).status)
    except u.HTTPError as error: print(error.code, error.read().decode())
"""

    done = world.run("--", "python3", "-c", loop)

    lines = done.stdout.splitlines()
    assert lines[:3] == ["200"] * 3, done.stderr
    assert all("the same request came 4 times within 5 min" in line for line in lines[3:])
    assert all("agentspend resume s_" in line for line in lines[3:])
    world.agree(at_least=3)
    assert len(world.settled()) == 3
