"""Vendors' formats, without I/O. `route_for` says which one a path speaks."""

from dataclasses import dataclass

from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.base import Dialect

ANTHROPIC = Anthropic()


@dataclass(frozen=True, slots=True)
class Route:
    """Where a path leads: `kind` is messages, count_tokens or models; `path` is the provider's."""

    dialect: Dialect
    kind: str
    path: str


_ROUTES = {
    "/messages": Route(ANTHROPIC, "messages", "/v1/messages"),
    "/messages/count_tokens": Route(ANTHROPIC, "count_tokens", "/v1/messages/count_tokens"),
    "/models": Route(ANTHROPIC, "models", "/v1/models"),
}


def route_for(path: str) -> Route | None:
    """The route of a path, with or without `/v1` in front; None for a path nobody speaks."""
    return _ROUTES.get(path.removeprefix("/v1").rstrip("/"))
