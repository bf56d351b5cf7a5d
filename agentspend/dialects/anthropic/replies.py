"""Answers of our own in Anthropic's shape, chosen so that the caller shows them and stops.

Measured per client (wire study §0): 402 stops Claude Code after one request and is the only such
status there; everyone else stops at once only at 400, and some only by the text (`final_text`):
an id they would take for trouble stands in the header alone. Never 401, 404, 413, 429 or 5xx for a
budget. 429 with `retry-after` is for rate limits alone: Claude Code waits that long and asks again.
A thread that goes on is answered as the API answers for one it has lost: its SDKs go by
`error_code`, and send the whole conversation under a new thread (anthropic 2.14.0).
"""

import msgspec

from agentspend.dialects.base import Reply
from agentspend.dialects.final_text import PASSING, is_final, judges_by_status, worded

CLAUDE_CODE = "claude-cli/"
LOST_THREAD = "thread_not_found"


def reply(kind: str, message: str, user_agent: str, rid: str, retry_after_s: int = 0) -> Reply:
    """The answer for one kind of trouble; unknown kinds are a mistake in the caller."""
    status, error = _status(kind, is_claude=user_agent.startswith(CLAUDE_CODE))
    request_id = f"req_agentspend_{rid.removeprefix('r_')}"
    words = worded(kind, message, user_agent)
    told: dict[str, object] = {"type": error, "message": words}
    if kind == "lost_thread":
        told["details"] = {"error_code": LOST_THREAD}
    body: dict[str, object] = {"type": "error", "error": told}
    if kind in PASSING or judges_by_status(user_agent) or is_final(request_id):
        body["request_id"] = request_id
    headers = {
        "Content-Type": "application/json",
        "request-id": request_id,
        "x-should-retry": "true" if kind in ("unreachable", "rate_limited") else "false",
    }
    if kind == "rate_limited":
        headers["retry-after"] = str(retry_after_s)
    return Reply(status, headers, msgspec.json.encode(body))


def _status(kind: str, *, is_claude: bool) -> tuple[int, str]:
    match kind:
        case "refused" | "store":
            return (402, "billing_error") if is_claude else (400, "invalid_request_error")
        case "bad_request" | "too_large":
            return 400, "invalid_request_error"
        case "lost_thread":
            return 404, "not_found_error"
        case "rate_limited":
            return 429, "rate_limit_error"
        case "unreachable":
            return 502, "api_error"
        case "timed_out":
            return 504, "timeout_error"
    raise ValueError(f"no reply of kind {kind!r}")
