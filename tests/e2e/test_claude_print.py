"""`agentspend run claude -p "say hi"`: works, billed to the nano-dollar, and stops at the cap."""

import json

import pytest

from tests.e2e.world import KEY, World, last_line

pytestmark = pytest.mark.agent

SAYS = {"answer": [{"type": "text", "text": "Hello from the sandbox."}], "output_tokens": 12}


def test_it_works_and_is_billed_as_the_provider_bills(world: World) -> None:
    """The answer is on stdout alone; every entry equals the bill's row of the same request id."""
    world.sandbox.direct(SAYS)

    done = world.claude()

    assert (done.returncode, done.stdout) == (0, "Hello from the sandbox.\n"), done.stderr
    world.agree(at_least=1)
    assert last_line(done).startswith("agentspend: this session cost $0.1")
    assert " in 1 request" in last_line(done)


def test_our_token_stands_in_for_the_key(world: World) -> None:
    """The provider gets the caller's key; the agent and its children never hold it."""
    world.sandbox.direct(SAYS)

    assert world.claude().returncode == 0

    (post,) = world.seen()
    assert post["headers"]["x-api-key"] == KEY
    assert "authorization" not in post["headers"]
    assert post["path"].startswith("/v1/messages")
    assert KEY not in world.run("env").stdout


def test_a_run_inside_a_run_pays_with_the_outer_ones_key(world: World) -> None:
    """The outer token never leaves as a key: it stands for the caller's key inside, too."""
    world.sandbox.direct(SAYS)

    done = world.run("--", "agentspend", "run", "claude", "-p", "say hi")

    assert (done.returncode, done.stdout) == (0, "Hello from the sandbox.\n"), done.stderr
    assert {post["headers"]["x-api-key"] for post in world.seen()} == {KEY}
    world.agree(at_least=1)


def test_a_second_turn_agrees_too(world: World) -> None:
    """A conversation that goes on, with cache reads: still the same sums on both sides."""
    world.sandbox.direct(SAYS)

    assert world.claude().returncode == 0
    assert world.claude("--continue").returncode == 0

    world.agree(at_least=2)
    assert any(entry["usage"].get("cache_read_tokens") for entry in world.settled())


def test_over_budget_it_stops_after_one_request(world: World) -> None:
    """One request reaches us, none the provider; our message is on screen; exit code 1."""
    world.cap("0.01")

    done = world.claude()

    assert done.returncode == 1
    shown = done.stdout + done.stderr
    assert "API Error: 402 agentspend: budget 'daily'" in shown
    assert "agentspend budget raise daily" in shown
    assert " in 0 requests, 1 refused" in last_line(done)
    assert "daily $0.0100 of $0.0100 free per day, resets" in last_line(done)
    assert (world.theirs(), world.ours()) == ({}, {})
    assert not [post for post in world.seen() if "count_tokens" not in post["path"]]


def test_over_budget_as_json(world: World) -> None:
    """A program that reads the answer sees an error, its status and its type."""
    world.cap("0.01")

    done = world.claude("--output-format", "json")
    answer = json.loads(done.stdout)

    assert done.returncode == 1
    assert answer["is_error"] is True
    assert (answer["api_error_status"], answer["api_error_type"]) == (402, "billing_error")
    assert "agentspend: budget 'daily'" in answer["result"]
    assert world.theirs() == {}


def test_a_provider_that_is_down_is_told_and_costs_nothing(world: World) -> None:
    """The message names what could not be reached; the run ends, and nothing stays held."""
    world.cap("25")
    world.sandbox.__exit__()

    done = world.claude(CLAUDE_CODE_MAX_RETRIES="1")

    assert done.returncode == 1
    assert f"cannot reach {world.sandbox.url}" in done.stdout + done.stderr
    (line,) = world.home.json("status")["budgets"]
    assert (line["spent_nusd"], line["held_nusd"]) == (0, 0)


def test_a_stream_cut_in_the_middle_is_charged_and_asked_again(world: World) -> None:
    """Claude Code sends the request again; both are in both books, neither below the bill."""
    world.sandbox.direct({"default": SAYS, "queue": [{**SAYS, "cut_after_events": 3}]})

    done = world.claude()

    assert "Hello from the sandbox." in done.stdout, done.stderr
    ours, theirs = world.ours(), world.theirs()
    assert set(ours) == set(theirs)
    assert len(ours) >= 2
    assert all(ours[name] >= theirs[name] for name in theirs)
    assert "estimate" in {entry["evidence"] for entry in world.settled()}
