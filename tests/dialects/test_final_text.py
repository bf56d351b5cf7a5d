"""Refusals that no client takes for trouble that will pass."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.dialects import openai_replies
from agentspend.dialects.anthropic import replies as anthropic_replies
from agentspend.dialects.final_text import PASSING, WORD_JOINER, final, is_final
from agentspend.dialects.gemini import replies as gemini_replies

OPENCODE = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"429|500|502|503|504|524",
        r"rate increased too quickly|rate limit|rate-limit|rate_limit|too many requests",
        (
            r"overloaded|service unavailable|service_unavailable|service-unavailable|internal error"
            r"|internal_error|internal server error|server error|server_error|server-error"
            r"|provider returned error|provider_returned_error|provider-returned-error"
        ),
        (
            r"terminated|fetch failed|failed to fetch|network[-_\s]error|upstream connect"
            r"|connection error|connection refused|connection lost|socket connection was closed"
            r"|socket hang up|reset before headers|getaddrinfo|enotfound|eai_again|econnrefused"
            r"|econnreset|etimedout"
        ),
        (
            r"^timeout$|\b(?:request|response|connection|network|stream|read)"
            r" (?:timeout|timed out|time out)\b"
        ),
        r"try your request again|retry your request|resource exhausted|resource_exhausted",
        r"\btry again (?:later|in\b)|\b(?:currently|temporarily) at capacity\b",
    )
]
"""As they stand in OpenCode 1.18.33."""
PI = re.compile(
    r"overloaded|provider.?returned.?error|rate.?limit|too many requests|429|500|502|503|504"
    r"|service.?unavailable|server.?error|internal.?error|network.?error|connection.?error"
    r"|connection.?refused|connection.?lost|websocket.?closed|websocket.?error|other side closed"
    r"|fetch failed|upstream.?connect|reset before headers|socket hang up|ended without"
    r"|http2 request did not get a response|timed? out|timeout|terminated|retry delay",
    re.IGNORECASE,
)
"""As it stands in pi 0.73.1."""
WORDS = (
    "$500.00", "5029429", "Rate-Limit", "server_error", "connection refused", "timed out",
    "timeout", "try again in", "resource exhausted", "socket hang up", "terminated", " ", "x",
    "team-504",
    "temporarily at capacity", "request time out", "http2 request did not get a response",
    "websocket closed", "provider returned error", "rate increased too quickly", "retry delay",
    "service unavailable", "socket connection was closed", "failed to fetch", "55555550",
)  # fmt: skip


def tried_again(text: str) -> bool:
    """Whether OpenCode or pi would send the request again."""
    return any(pattern.search(text) for pattern in (*OPENCODE, PI))


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=8).map("".join))
def test_nothing_in_it_is_tried_again_and_it_reads_the_same(text: str) -> None:
    """Whatever a budget, a project or an amount is called."""
    text = text.replace(WORD_JOINER, "")
    words = final(text)
    assert not tried_again(words)
    assert is_final(words)
    assert words.replace(WORD_JOINER, "") == text


def test_what_is_harmless_stays_as_it_is() -> None:
    """To the byte."""
    text = "budget 'daily' has no room: $24.93 of $25.00 is spent; agentspend budget raise daily"
    assert final(text) == text


@pytest.mark.parametrize("kind", ["refused", "store", "bad_request", "too_large"])
def test_no_refusals_body_is_tried_again(kind: str) -> None:
    """Its id and its shape included, in every API."""
    message, rid = "budget 'p503': $500.00 of $429.00", "r_1a2163a350487462588"
    found = (
        anthropic_replies.reply(kind, message, "opencode/1.18.33", rid),
        openai_replies.reply(kind, message, "opencode/1.18.33", rid),
        gemini_replies.reply(kind, message, "", rid),
    )
    for each in found:
        assert not tried_again(each.body.decode()), each.body
        assert message in each.body.decode().replace(WORD_JOINER, "")


@pytest.mark.parametrize(
    "who",
    ["claude-cli/2.1.330 (external, cli)", "litellm/1.75.0", "OpenAI/Python 2.20.0",
     "AsyncAnthropic/Python 0.60", "python-httpx/0.28", "codex_exec/0.169.0"],
)  # fmt: skip
def test_who_judges_by_the_status_is_told_every_word_as_it_is(who: str) -> None:
    """Some of them show the bytes."""
    message, rid = "budget 'p503': $500.00", "r_1a2163a350487462588"
    body = anthropic_replies.reply("refused", message, who, rid).body.decode()
    assert message in body
    assert "req_agentspend_1a2163a350487462588" in body


@pytest.mark.parametrize("kind", sorted(PASSING))
def test_what_will_pass_says_so(kind: str) -> None:
    """Where asking again is right nothing is hidden."""
    body = openai_replies.reply(kind, "HTTP 503, rate limit", "pi", "r_1", 7).body.decode()
    assert "HTTP 503, rate limit" in body
