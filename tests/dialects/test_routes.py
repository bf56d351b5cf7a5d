"""Which paths are spoken, and that nothing else is mistaken for them."""

import pytest

from agentspend.dialects import ANTHROPIC, route_for


@pytest.mark.parametrize(
    ("path", "kind", "upstream"),
    [
        ("/v1/messages", "messages", "/v1/messages"),
        ("/messages", "messages", "/v1/messages"),
        ("/v1/messages/", "messages", "/v1/messages"),
        ("/v1/messages/count_tokens", "count_tokens", "/v1/messages/count_tokens"),
        ("/messages/count_tokens", "count_tokens", "/v1/messages/count_tokens"),
        ("/v1/models", "models", "/v1/models"),
    ],
)
def test_a_path_leads_to_its_endpoint(path: str, kind: str, upstream: str) -> None:
    """With or without `/v1`, the provider gets its own path."""
    route = route_for(path)
    assert route is not None
    assert (route.kind, route.path, route.dialect) == (kind, upstream, ANTHROPIC)


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/v1", "/v1/v1/messages", "/v1messages", "/v1/messages/batches", "/v1/Messages",
        "/v1/messages/../files", "/v1/messages?beta=true", "/v1/complete", "/api/hello",
    ],
)  # fmt: skip
def test_any_other_path_is_nobodys(path: str) -> None:
    """Batches and files cost money that nobody here meters: they lead nowhere."""
    assert route_for(path) is None
