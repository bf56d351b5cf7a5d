"""Subagents in parallel, and answers that a clamp cut off."""

import json
from typing import Any

import pytest

from tests.e2e.world import World, last_line

pytestmark = pytest.mark.agent

COUNT = 3


def says(words: str, **more: Any) -> dict[str, Any]:
    """A behaviour that answers with this text."""
    return {"answer": [{"type": "text", "text": words}], "output_tokens": 20, **more}


def fan_out() -> dict[str, Any]:
    """A conversation that starts subagents at once and ends when they have reported."""
    calls = [
        {
            "type": "tool_use",
            "name": "Agent",
            "input": {
                "description": f"look at part {number}",
                "prompt": f"Look at part {number} and report.",
                "subagent_type": "general-purpose",
            },
        }
        for number in range(COUNT)
    ]
    main = [{"answer": calls, "output_tokens": 200}, says("All have reported.")]
    return {"script": {"main": main, "agents": [says("The part is fine.")]}}


def paid(world: World) -> list[dict[str, Any]]:
    """The paid requests that reached the provider."""
    return [post for post in world.seen() if "count_tokens" not in post["path"]]


def test_subagents_are_metered_each_under_its_own_id(world: World) -> None:
    """All requests of a fan-out are in both books; an entry names its subagent."""
    world.sandbox.direct(fan_out())

    done = world.claude()

    assert "All have reported." in done.stdout, done.stderr
    world.agree(at_least=COUNT + 2)
    sent = {post["headers"].get("x-claude-code-agent-id", "") for post in paid(world)}
    assert {entry.get("subagent", "") for entry in world.settled()} == sent
    assert len(sent) == COUNT + 1
    assert len({entry["session"] for entry in world.settled()}) == 1


def test_a_tight_budget_serves_every_subagent(world: World) -> None:
    """Three at once fit only by counting, clamping and waiting: none is refused, no cent over."""
    world.cap("1.50")
    world.sandbox.direct(fan_out())

    done = world.claude()

    assert "All have reported." in done.stdout, done.stderr
    assert "refused" not in last_line(done)
    world.agree(at_least=COUNT + 2)
    (line,) = world.home.json("status")["budgets"]
    assert 0 < line["spent_nusd"] <= line["limit_nusd"]
    assert line["held_nusd"] == 0


def test_an_answer_cut_by_a_clamp_is_not_clamped_to_that_size_again(world: World) -> None:
    """Claude Code asks again for a cut answer without end: it gets more room, or is refused."""
    world.cap("0.95")
    world.sandbox.direct({"default": says("Half of it", stop_reason="max_tokens")})

    done = world.claude()

    limits = [json.loads(post["body"])["max_tokens"] for post in paid(world)]
    assert limits[0] < 128_000
    assert limits == sorted(set(limits))
    assert done.returncode == 1
    assert "agentspend budget raise daily" in done.stdout
    assert last_line(done).startswith("agentspend: this session cost $0.1")
    assert "1 refused" in last_line(done)
    world.agree(at_least=len(limits))
