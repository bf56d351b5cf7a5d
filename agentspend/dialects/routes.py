"""Which API a path speaks, of all dialects, with or without a version in front.

One path may lead to several providers (`/v1/chat/completions`): the caller says which.
"""

import re
from functools import cache

from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.base import Dialect, Route
from agentspend.dialects.gemini import Gemini
from agentspend.dialects.gemini.code_assist import CodeAssist
from agentspend.dialects.names import ANTHROPIC, CHAT, CODE_ASSIST, GEMINI, RESPONSES
from agentspend.dialects.openai_chat import OpenAIChat
from agentspend.dialects.openai_responses import OpenAIResponses

_VERSION = re.compile(r"^/v1(?:beta)?(?=/)")
_CODE_ASSIST = re.compile(r"^/v1internal(?::([A-Za-z]+)|/operations/[A-Za-z0-9._-]+)\Z")
_ASKS = frozenset({"generateContent", "streamGenerateContent"})
_FREE = frozenset(
    {
        "countTokens", "loadCodeAssist", "onboardUser", "listExperiments", "retrieveUserQuota",
        "fetchAdminControls", "recordCodeAssistMetrics", "setCodeAssistGlobalUserSetting",
    }
)  # fmt: skip
"""What Gemini CLI asks Code Assist for beside answers; none of it is counted by anybody."""
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
        case "code_assist":
            return CodeAssist(provider, vendor)
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
    dialect = dialect_of(name, provider, vendor, injects=injects)
    return Route(dialect, kind, upstream, model, login_only=name == CODE_ASSIST)


def _match(path: str) -> tuple[str, str, str, str] | None:
    bare = _VERSION.sub("", path).rstrip("/")
    if bare in _PLAIN:
        return (*_PLAIN[bare], "")
    if gemini := _GEMINI.match(bare):
        kind = "count_tokens" if gemini[2] == "countTokens" else "messages"
        return GEMINI, kind, f"/v1beta{bare}", gemini[1]
    if assist := _CODE_ASSIST.match(path):
        return _of_code_assist(path, assist[1] or "")
    return None


def _of_code_assist(path: str, method: str) -> tuple[str, str, str, str] | None:
    """An answer, a free call, or a look: a setting, or without a method a running operation."""
    if method in _ASKS:
        return CODE_ASSIST, "messages", path, ""
    if method in _FREE:
        return CODE_ASSIST, "count_tokens", path, ""
    looks = method in ("", "getCodeAssistGlobalUserSetting")
    return (CODE_ASSIST, "models", path, "") if looks else None
