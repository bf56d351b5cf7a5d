"""Words that end a request, for clients that judge an error by its text.

OpenCode (1.18.33) and pi (0.73.1) send a request again, after 2, 4, 8 … seconds, when the text or
the body of a 400 has "503" or "rate limit" anywhere in it: in an amount ("$500.00"), a budget's
name, an id. Read in their programs, and seen: five requests instead of one. An invisible character
keeps such words apart and the message as it reads.
"""

import re

WORD_JOINER = "\u2060"
PASSING = frozenset({"unreachable", "timed_out", "rate_limited"})
"""The kinds of trouble after which asking again is right."""
_BY_STATUS = re.compile(r"claude-cli/|codex_|litellm|[\w-]*/?python", re.IGNORECASE)
_TRIED_AGAIN = re.compile(
    r"429|50[0-4]|52[49]|rate.?limit|rate increased|too many requests|try again"
    r"|(?:re)?try your request"
    r"|overloaded|exhausted|unavailable|at capacity|did not get a response"
    r"|(?:internal|server|network|connection|websocket).?error"
    r"|provider.?returned.?error|terminated|fetch failed|failed to fetch|upstream.?connect"
    r"|(?:connection|socket|websocket).?(?:refused|lost|closed|connection|hang)|reset before"
    r"|other side closed|ended without|time.?d? ?out|retry delay|getaddrinfo|enotfound|eai_again"
    r"|econnrefused|econnreset|etimedout",
    re.IGNORECASE,
)


def is_final(text: str) -> bool:
    """Whether no client that is known takes it for trouble that will pass."""
    return _TRIED_AGAIN.search(text) is None


def final(text: str) -> str:
    """The same words to read, and none that a client takes for trouble that will pass."""
    while (found := _TRIED_AGAIN.search(text)) is not None:
        apart = found.start() + 1
        text = text[:apart] + WORD_JOINER + text[apart:]
    return text


def worded(kind: str, message: str, user_agent: str) -> str:
    """An answer's message: as it is where asking again is right, and for whoever judges by the
    status (Claude Code, Codex, everything in Python), which may show its bytes."""
    return message if kind in PASSING or judges_by_status(user_agent) else final(message)


def judges_by_status(user_agent: str) -> bool:
    """Whether this client asks what happened of the status alone."""
    return _BY_STATUS.match(user_agent) is not None
