"""The daemon's log: one JSON line an event, from a closed list of fields.

An allow-list, not redaction (protocol study §5.3): a field that is not named here cannot be
written, so no prompt, key or header value ever is.
"""

import json
import sys
import time
import traceback

FIELDS = frozenset(
    {
        "rid", "session", "agent", "model", "provider", "budget", "amount_nusd", "held_nusd",
        "billing", "evidence", "status", "count", "port", "listen", "pid", "version", "task",
        "error", "file", "line", "reason", "seq", "percent", "recovered", "late", "wait_ms",
    }
)  # fmt: skip


def log(event: str, **fields: object) -> None:
    """Write one line to standard error; unknown fields are a mistake in the caller."""
    unknown = fields.keys() - FIELDS
    if unknown:
        raise ValueError(f"not a log field: {', '.join(sorted(unknown))}")
    moment = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    print(json.dumps({"ts": moment, "event": event, **fields}), file=sys.stderr, flush=True)


def log_mistake(event: str, error: BaseException) -> None:
    """Write what went wrong, and where in our code. What the error says is left out: a key or a
    prompt may stand in it."""
    log(event, error=type(error).__name__)
    print("".join(traceback.format_tb(error.__traceback__)), end="", file=sys.stderr, flush=True)
