"""Vendors' formats, without I/O.

`route_for` says which of Anthropic's endpoints a path is; `dialects.routes` knows those of all.
"""

from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.base import Route

__all__ = ["ANTHROPIC", "Route", "route_for"]

ANTHROPIC = Anthropic()

_ROUTES = {
    "/messages": Route(ANTHROPIC, "messages", "/v1/messages"),
    "/messages/count_tokens": Route(ANTHROPIC, "count_tokens", "/v1/messages/count_tokens"),
    "/models": Route(ANTHROPIC, "models", "/v1/models"),
}


def route_for(path: str) -> Route | None:
    """The route of a path, with or without `/v1` in front; None for a path nobody speaks."""
    return _ROUTES.get(path.removeprefix("/v1").rstrip("/"))
