"""What a request says of its client: which agent it is, and which of the agent's own sessions.

Only names on a list are kept, and ids that look like ids: header values themselves never are.
"""

import hashlib
import re
from collections.abc import Mapping

_AGENTS = (
    ("claude-cli/", "claude"),
    ("codex", "codex"),
    ("GeminiCLI", "gemini"),
    ("opencode/", "opencode"),
    ("QwenCode/", "qwen"),
)
"""How each agent's `User-Agent` begins (measured, wire study §1-6); the others send an SDK's."""
_SESSION_HEADERS = ("x-claude-code-session-id", "session-id", "x-session-id")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def agent_of(headers: Mapping[str, str]) -> str:
    """The agent behind a request, "" where its headers do not say."""
    said = headers.get("User-Agent", "")
    return next((agent for begins, agent in _AGENTS if said.startswith(begins)), "")


def client_session(headers: Mapping[str, str]) -> str:
    """The agent's own id of its session, "" without one; what is no plain id becomes a hash."""
    said = next((headers[name] for name in _SESSION_HEADERS if headers.get(name)), "")
    if not said or _ID.fullmatch(said):
        return said
    return f"h-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
