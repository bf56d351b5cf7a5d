"""Answers of our own: each caller gets the one it shows and does not retry."""

import json

import pytest

from agentspend.dialects.anthropic import Anthropic

ANTHROPIC = Anthropic()

CLAUDE = "claude-cli/2.1.330 (external, cli)"
OTHERS = ["OpenAI/Python 2.20.0", "litellm/1.109", "opencode/1.18.33", "", "x claude-cli/2"]
NEVER_FOR_A_BUDGET = {401, 403, 404, 413, 429, *range(500, 600)}


@pytest.mark.parametrize(
    ("kind", "agent", "status", "error", "retry"),
    [
        ("refused", CLAUDE, 402, "billing_error", "false"),
        ("refused", "claude-cli/2.1.197 (external, sdk-cli)", 402, "billing_error", "false"),
        *(("refused", other, 400, "invalid_request_error", "false") for other in OTHERS),
        ("store", CLAUDE, 402, "billing_error", "false"),
        ("store", "aider", 400, "invalid_request_error", "false"),
        ("bad_request", CLAUDE, 400, "invalid_request_error", "false"),
        ("too_large", CLAUDE, 400, "invalid_request_error", "false"),
        ("unreachable", CLAUDE, 502, "api_error", "true"),
        ("timed_out", CLAUDE, 504, "timeout_error", "false"),
    ],
)
def test_each_caller_gets_the_answer_it_stops_at(
    kind: str, agent: str, status: int, error: str, retry: str
) -> None:
    """Claude Code stops at 402, everyone else at 400; only an unreachable provider is retried."""
    reply = ANTHROPIC.reply(kind, "Budget exceeded: “all” × $5", agent, "r_7")
    assert reply.status == status
    assert reply.headers == {
        "Content-Type": "application/json",
        "request-id": "req_agentspend_7",
        "x-should-retry": retry,
    }
    assert json.loads(reply.body) == {
        "type": "error",
        "error": {"type": error, "message": "Budget exceeded: “all” × $5"},
        "request_id": "req_agentspend_7",
    }


@pytest.mark.parametrize("agent", [CLAUDE, *OTHERS])
@pytest.mark.parametrize("kind", ["refused", "store", "bad_request", "too_large"])
def test_no_budget_answer_is_one_that_agents_retry_or_hide(kind: str, agent: str) -> None:
    """A refusal never looks like a login, a missing page, a rate limit or a broken server."""
    assert ANTHROPIC.reply(kind, "no", agent, "r_1").status not in NEVER_FOR_A_BUDGET


@pytest.mark.parametrize("agent", [CLAUDE, *OTHERS])
def test_too_fast_is_said_as_the_provider_says_it(agent: str) -> None:
    """With when to come again, and never with a header that forbids it."""
    reply = ANTHROPIC.reply("rate_limited", "slow down", agent, "r_1", 7)
    assert (reply.status, json.loads(reply.body)["error"]["type"]) == (429, "rate_limit_error")
    assert (reply.headers["retry-after"], reply.headers["x-should-retry"]) == ("7", "true")


def test_an_unknown_kind_is_a_mistake() -> None:
    """Nobody invents an answer by a slip of the pen."""
    with pytest.raises(ValueError, match="no reply of kind 'denied'"):
        ANTHROPIC.reply("denied", "no", CLAUDE, "r_1")


@pytest.mark.parametrize("agent", [CLAUDE, *OTHERS])
def test_a_thread_that_goes_on_is_lost(agent: str) -> None:
    """As the API says it where it has lost one: its SDKs then send the whole conversation."""
    reply = ANTHROPIC.reply("lost_thread", "send it all", agent, "r_1")
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["type"]) == (404, "not_found_error")
    assert error["details"] == {"error_code": "thread_not_found"}
    assert reply.headers["x-should-retry"] == "false"
