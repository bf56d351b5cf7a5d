"""Answers of our own in Gemini's shape, chosen so that the caller shows them and stops.

Measured with Gemini CLI (wire study §0): 400 stops it with the message; 429 and 503 loop; an error
inside a stream is hidden. Never 401, 404, 413, 429 or 5xx for a budget; 429 is for rate limits
alone. Gemini CLI minds no header there, so the wait stands in the body too, as Google writes it.
"""

import msgspec

from agentspend.dialects.base import Reply
from agentspend.dialects.final_text import worded

RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def reply(kind: str, message: str, user_agent: str, rid: str, retry_after_s: int = 0) -> Reply:
    """The answer for one kind of trouble; unknown kinds are a mistake in the caller."""
    status, word = _status(kind)
    error: dict[str, object] = {
        "code": status,
        "message": worded(kind, message, user_agent),
        "status": word,
    }
    headers = {
        "Content-Type": "application/json",
        "x-request-id": f"req_agentspend_{rid.removeprefix('r_')}",
    }
    if kind == "rate_limited":
        headers["retry-after"] = str(retry_after_s)
        error["details"] = [{"@type": RETRY_INFO, "retryDelay": f"{retry_after_s}s"}]
    return Reply(status, headers, msgspec.json.encode({"error": error}))


def _status(kind: str) -> tuple[int, str]:
    match kind:
        case "refused" | "store":
            return 400, "FAILED_PRECONDITION"
        case "bad_request" | "too_large":
            return 400, "INVALID_ARGUMENT"
        case "rate_limited":
            return 429, "RESOURCE_EXHAUSTED"
        case "unreachable":
            return 503, "UNAVAILABLE"
        case "timed_out":
            return 504, "DEADLINE_EXCEEDED"
    raise ValueError(f"no reply of kind {kind!r}")
