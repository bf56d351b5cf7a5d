"""Which API a path speaks, of all dialects, with or without a version in front.

One path may lead to several providers (`/v1/chat/completions`): the caller says which.
"""

import re
from functools import cache

from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.base import Dialect, Route
from agentspend.dialects.gemini import Gemini
from agentspend.dialects.openai_chat import OpenAIChat
from agentspend.dialects.openai_responses import OpenAIResponses

ANTHROPIC = "anthropic"
CHAT = "openai_chat"
RESPONSES = "openai_responses"
GEMINI = "gemini"

DIALECTS = (CHAT, RESPONSES, ANTHROPIC, GEMINI)
_VERSION = re.compile(r"^/v1(?:beta)?(?=/)")
_PLAIN = {
    "/messages": (ANTHROPIC, "messages", "/v1/messages"),
    "/messages/count_tokens": (ANTHROPIC, "count_tokens", "/v1/messages/count_tokens"),
    "/chat/completions": (CHAT, "messages", "/v1/chat/completions"),
    "/responses": (RESPONSES, "messages", "/v1/responses"),
}
_GEMINI = re.compile(
    r"^/models/([A-Za-z0-9._-]+):(generateContent|streamGenerateContent|countTokens)\Z"
)


@cache
def dialect_of(name: str, provider: str, vendor: str = "", *, injects: bool = True) -> Dialect:
    """The dialect of this name as this provider speaks it.

    `vendor` is "" where it is the provider itself. `injects`: whether a Chat stream can be asked
    for its usage.
    """
    match name:
        case "anthropic":
            return Anthropic(provider, vendor)
        case "openai_chat":
            return OpenAIChat(provider, vendor, injects=injects)
        case "openai_responses":
            return OpenAIResponses(provider, vendor)
    return Gemini(provider, vendor)


def dialect_name(path: str) -> str | None:
    """The name of the dialect a path speaks; None for a path nobody speaks."""
    found = _match(path)
    return found[0] if found else None


def find_route(path: str, provider: str, vendor: str = "", *, injects: bool = True) -> Route | None:
    """Where a path leads at this provider. `kind` is "messages" for everything that is paid."""
    found = _match(path)
    if found is None:
        return None
    name, kind, upstream, model = found
    return Route(dialect_of(name, provider, vendor, injects=injects), kind, upstream, model)


def _match(path: str) -> tuple[str, str, str, str] | None:
    bare = _VERSION.sub("", path).rstrip("/")
    if bare in _PLAIN:
        return (*_PLAIN[bare], "")
    if gemini := _GEMINI.match(bare):
        kind = "count_tokens" if gemini[2] == "countTokens" else "messages"
        return GEMINI, kind, f"/v1beta{bare}", gemini[1]
    return None
