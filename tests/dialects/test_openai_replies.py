"""Refusals of the OpenAI shapes: the rows of the wire study's rejection matrix."""

import json

import pytest

from agentspend.dialects.openai_chat import OpenAIChat
from agentspend.dialects.openai_responses import OpenAIResponses

MSG = "agentspend: budget daily is spent: $5.00 of $5.00 → agentspend budget raise"
CODEX = "codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm (codex_exec; 0.169.0)"
OTHERS = [
    "OpenAI/Python 2.20.0",
    "QwenCode/0.24.4 (linux; x64)",
    "opencode/1.18.33",
    "",
    "my codex_",
]
BAD = ("bad_request", "too_large", "store")


@pytest.mark.parametrize("agent", [*OTHERS, CODEX])
def test_a_chat_refusal_is_a_400_for_everybody(agent: str) -> None:
    """Only 400 stops aider at once; all others accept it too."""
    reply = OpenAIChat().reply("refused", MSG, agent, "r_1")
    assert reply.status == 400
    assert json.loads(reply.body)["error"] == {
        "message": MSG,
        "type": "invalid_request_error",
        "param": None,
        "code": "budget_exceeded",
    }
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["x-should-retry"] == "false"
    assert reply.headers["x-request-id"] == "req_agentspend_1"


@pytest.mark.parametrize("kind", ["refused", *BAD])
def test_codex_gets_plain_text(kind: str) -> None:
    """It shows a JSON body raw."""
    reply = OpenAIResponses().reply(kind, MSG, CODEX, "r_1")
    assert (reply.status, reply.body.decode()) == (400, MSG)
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("agent", OTHERS)
def test_other_clients_of_responses_get_json(agent: str) -> None:
    """As the API itself answers."""
    reply = OpenAIResponses().reply("refused", MSG, agent, "r_1")
    assert reply.status == 400
    assert json.loads(reply.body)["error"]["message"] == MSG


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_budget_has_no_budget_s_code(kind: str) -> None:
    """But is not retried either."""
    reply = OpenAIChat().reply(kind, MSG, "", "r_1")
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (400, None)
    assert reply.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("agent", ["", CODEX])
def test_an_upstream_that_cannot_be_reached_is_a_server_error(agent: str) -> None:
    """That is nobody's budget: clients retry as they would without us."""
    for kind, status, again in [("unreachable", 502, "true"), ("timed_out", 504, "false")]:
        reply = OpenAIResponses().reply(kind, MSG, agent, "r_1")
        assert (reply.status, reply.headers["x-should-retry"]) == (status, again)
        assert json.loads(reply.body)["error"]["message"] == MSG


@pytest.mark.parametrize("agent", ["", CODEX])
def test_too_fast_is_said_as_the_provider_says_it(agent: str) -> None:
    """With when to come again: without that header Codex would stop."""
    for dialect in (OpenAIChat(), OpenAIResponses()):
        reply = dialect.reply("rate_limited", MSG, agent, "r_1", 7)
        assert (reply.status, reply.headers["retry-after"]) == (429, "7")
        assert reply.headers["x-should-retry"] == "true"
        assert json.loads(reply.body)["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize("dialect", [OpenAIChat(), OpenAIResponses()])
def test_an_unknown_kind_is_a_mistake(dialect: OpenAIChat | OpenAIResponses) -> None:
    """Of the caller's."""
    for agent in ("", CODEX):
        with pytest.raises(ValueError, match="nonsense"):
            dialect.reply("nonsense", MSG, agent, "r_1")


def test_nothing_is_counted_for_free() -> None:
    """The proxy must not ask."""
    for dialect in (OpenAIChat(), OpenAIResponses()):
        assert dialect.count_path == ""
        assert dialect.count_body(b"{}") == b"{}"
        assert dialect.read_count(b'{"input_tokens":5}') is None
