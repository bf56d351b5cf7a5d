"""Refusals in Gemini's shape: the rows of the wire study's rejection matrix."""

import json

import pytest

from agentspend.dialects.gemini import Gemini

MSG = "agentspend: budget daily is spent"


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        ("refused", 400, "FAILED_PRECONDITION"), ("store", 400, "FAILED_PRECONDITION"),
        ("bad_request", 400, "INVALID_ARGUMENT"), ("too_large", 400, "INVALID_ARGUMENT"),
        ("unreachable", 503, "UNAVAILABLE"), ("timed_out", 504, "DEADLINE_EXCEEDED"),
    ],
)  # fmt: skip
def test_every_kind_has_its_answer(kind: str, status: int, word: str) -> None:
    """400 stops Gemini CLI with the message; an upstream in trouble is what it would be."""
    reply = Gemini().reply(kind, MSG, "GeminiCLI-tui/0.61.0", "r_1")
    assert reply.status == status
    assert json.loads(reply.body) == {"error": {"code": status, "message": MSG, "status": word}}
    assert reply.headers["Content-Type"] == "application/json"


def test_too_fast_is_said_as_google_says_it() -> None:
    """When to come again stands in the body: Gemini CLI reads no header."""
    reply = Gemini().reply("rate_limited", MSG, "", "r_1", 7)
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert reply.headers["retry-after"] == "7"
    [info] = error["details"]
    assert info == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}


def test_an_unknown_kind_is_a_mistake() -> None:
    """Of the caller's."""
    with pytest.raises(ValueError, match="nonsense"):
        Gemini().reply("nonsense", MSG, "", "r_1")
