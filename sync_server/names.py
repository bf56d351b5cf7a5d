"""A name as it stands in ledgers, caps and tables, from what people call it.

Pure and light: a command names a team as the server would, before it asks for it.
"""

import re

from agentspend.core.errors import AgentspendError

LONGEST = 40
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def name_of(text: str) -> str:
    """`Backend Team` → `backend-team`. Raises `AgentspendError` where nothing is left of it."""
    name = re.sub(r"[^a-z0-9._-]+", "-", text.strip().lower()).strip("-._")[:LONGEST]
    if not _NAME.fullmatch(name):
        raise AgentspendError(f"{text!r} is no name", "use letters, digits, dots and dashes")
    return name
