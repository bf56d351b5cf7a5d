"""Which provider answers a path: the built-in one of the API that the path speaks."""

from collections.abc import Mapping

from agentspend.dialects.base import Route
from agentspend.dialects.routes import (
    ANTHROPIC,
    CHAT,
    GEMINI,
    RESPONSES,
    dialect_name,
    dialect_of,
    find_route,
)

PROVIDER_OF = {
    ANTHROPIC: "anthropic",
    CHAT: "openai",
    RESPONSES: "openai",
    GEMINI: "google",
}
_MODELS = "/models"


def route_for(path: str, headers: Mapping[str, str]) -> Route | None:
    """The route of a path, with or without a version in front; None for one nobody speaks.

    Two APIs list their models at one path: a caller without Anthropic's headers means OpenAI's.
    """
    name = dialect_name(path)
    if name is not None:
        return find_route(path, PROVIDER_OF[name])
    if path.removeprefix("/v1").rstrip("/") != _MODELS:
        return None
    of_anthropic = "anthropic-version" in headers or "x-api-key" in headers
    dialect = ANTHROPIC if of_anthropic or "Authorization" not in headers else CHAT
    return Route(dialect_of(dialect, PROVIDER_OF[dialect]), "models", "/v1/models")
