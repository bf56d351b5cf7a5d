"""Answers of our own in OpenAI's shape, chosen so that the caller shows them and stops.

Measured per client (wire study §0): only 400 stops aider, and every other client takes it too.
Codex shows a plain text body clean and a JSON one raw. Never 401, 404, 413, 429 or 5xx for a
budget. 429 with `retry-after` is for rate limits alone: Codex and the SDKs wait that long and ask
again; without it Codex would stop.
"""

import msgspec

from agentspend.dialects.base import Reply
from agentspend.dialects.final_text import worded

CODEX = "codex_"
BUDGET_EXCEEDED = "budget_exceeded"


def reply(kind: str, message: str, user_agent: str, rid: str, retry_after_s: int = 0) -> Reply:
    """The JSON answer for one kind of trouble; unknown kinds are a mistake in the caller."""
    status, error, code = _status(kind)
    body = {
        "error": {
            "message": worded(kind, message, user_agent),
            "type": error,
            "param": None,
            "code": code,
        }
    }
    headers = {"Content-Type": "application/json", **_headers(kind, rid)}
    if kind == "rate_limited":
        headers["retry-after"] = str(retry_after_s)
    return Reply(status, headers, msgspec.json.encode(body))


def plain_reply(kind: str, message: str, rid: str) -> Reply:
    """The same in plain text, for Codex."""
    status, _, _ = _status(kind)
    headers = {"Content-Type": "text/plain; charset=utf-8", **_headers(kind, rid)}
    return Reply(status, headers, message.encode())


def _headers(kind: str, rid: str) -> dict[str, str]:
    return {
        "x-request-id": f"req_agentspend_{rid.removeprefix('r_')}",
        "x-should-retry": "true" if kind in ("unreachable", "rate_limited") else "false",
    }


def _status(kind: str) -> tuple[int, str, str | None]:
    match kind:
        case "refused":
            return 400, "invalid_request_error", BUDGET_EXCEEDED
        case "store" | "bad_request" | "too_large":
            return 400, "invalid_request_error", None
        case "rate_limited":
            return 429, "requests", "rate_limit_exceeded"
        case "unreachable":
            return 502, "server_error", None
        case "timed_out":
            return 504, "server_error", None
    raise ValueError(f"no reply of kind {kind!r}")
