"""Which dialect a request speaks: by its path, with or without `/v1` and any prefix before it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentspend.sandbox.anthropic.dialect import MESSAGES
from agentspend.sandbox.checks import has_bearer
from agentspend.sandbox.compatible.dialect import is_paid, served_at
from agentspend.sandbox.dialect import Dialect
from agentspend.sandbox.gemini.code_assist import CODE_ASSIST
from agentspend.sandbox.gemini.dialect import GEMINI
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES

_PATHS = {
    "/messages": (MESSAGES, False),
    "/messages/count_tokens": (MESSAGES, True),
    "/chat/completions": (CHAT, False),
    "/responses": (RESPONSES, False),
    "/responses/input_tokens": (RESPONSES, True),
}
_CODE_ASSIST = re.compile(r"/v1internal:(generateContent|streamGenerateContent)$")
_GEMINI = re.compile(r"/models/([^/:]+):(generateContent|streamGenerateContent|countTokens)$")


@dataclass(frozen=True, slots=True)
class Route:
    """A request that is answered or counted. `more` is what path and query add to its body;
    `has_key` says that it brings a credential of the dialect's own."""

    dialect: Dialect
    counting: bool
    has_key: bool
    more: Mapping[str, Any] = field(default_factory=dict)


def match(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> Route | None:
    """The route of a request; None when it is neither answered nor counted."""
    if method != "POST":
        return None
    if (copied := served_at(path)) is not None:
        dialect, needs_key = copied
        has_key = not needs_key or _has_key(dialect, headers)
        return Route(dialect, False, has_key) if is_paid(path) else None
    found = _GEMINI.search(path)
    if found:
        more: dict[str, Any] = {"model": found[1]}
        if found[2] == "streamGenerateContent":
            more |= {"stream": True, "alt": query.get("alt", "json")}
        has_key = _has_key(GEMINI, headers) or bool(query.get("key"))
        return Route(GEMINI, found[2] == "countTokens", has_key, more)
    if assist := _CODE_ASSIST.search(path):
        streamed = {"stream": True, "alt": "sse"} if assist[1].startswith("stream") else {}
        return Route(CODE_ASSIST, False, False, streamed)
    for end, (dialect, counting) in _PATHS.items():
        if path.endswith(end):
            return Route(dialect, counting, _has_key(dialect, headers))
    return None


def speaker(path: str, headers: Mapping[str, str]) -> Dialect:
    """Whose words to use for a request that is neither: by its path, else by its key."""
    if (copied := served_at(path)) is not None:
        return copied[0]
    if "/v1beta" in path or "/v1internal" in path or headers.get("x-goog-api-key"):
        return GEMINI
    if headers.get("x-api-key") or headers.get("anthropic-version"):
        return MESSAGES
    talks = path.endswith(("/chat/completions", "/responses"))
    return CHAT if talks or has_bearer(headers) else MESSAGES


def _has_key(dialect: Dialect, headers: Mapping[str, str]) -> bool:
    return any(headers.get(name) for name in dialect.key_headers)
