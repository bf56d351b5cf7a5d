"""Which provider a path leads to, and that nothing else is mistaken for one."""

import pytest

from agentspend.proxy.routing import route_for


@pytest.mark.parametrize(
    ("path", "provider", "kind", "upstream"),
    [
        ("/v1/messages", "anthropic", "messages", "/v1/messages"),
        ("/messages", "anthropic", "messages", "/v1/messages"),
        ("/v1/messages/", "anthropic", "messages", "/v1/messages"),
        ("/v1/messages/count_tokens", "anthropic", "count_tokens", "/v1/messages/count_tokens"),
        ("/messages/count_tokens", "anthropic", "count_tokens", "/v1/messages/count_tokens"),
        ("/v1/models", "anthropic", "models", "/v1/models"),
        ("/v1/chat/completions", "openai", "messages", "/v1/chat/completions"),
        ("/chat/completions", "openai", "messages", "/v1/chat/completions"),
        ("/v1/responses", "openai", "messages", "/v1/responses"),
        (
            "/v1beta/models/gemini-3.8-flash:streamGenerateContent",
            "google",
            "messages",
            "/v1beta/models/gemini-3.8-flash:streamGenerateContent",
        ),
    ],
)
def test_a_path_leads_to_its_provider(path: str, provider: str, kind: str, upstream: str) -> None:
    """With or without a version in front, the provider gets its own path."""
    route = route_for(path, {})
    assert route is not None
    assert (route.dialect.provider, route.kind, route.path) == (provider, kind, upstream)


def test_models_are_listed_by_whom_the_caller_speaks_to() -> None:
    """Two APIs list their models at one path; their headers tell them apart."""
    asked = {"Authorization": "Bearer t"}
    openai = route_for("/v1/models", asked)
    anthropic = route_for("/v1/models", {**asked, "anthropic-version": "2023-06-01"})
    assert openai is not None
    assert anthropic is not None
    assert (openai.dialect.provider, anthropic.dialect.provider) == ("openai", "anthropic")


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/v1", "/v1/v1/messages", "/v1messages", "/v1/messages/batches", "/v1/Messages",
        "/v1/messages/../files", "/v1/messages?beta=true", "/v1/complete", "/api/hello",
        "/v1beta/models/../x:generateContent", "/v1/responses/r_1",
    ],
)  # fmt: skip
def test_any_other_path_is_nobodys(path: str) -> None:
    """Batches and files cost money that nobody here meters: they lead nowhere."""
    assert route_for(path, {}) is None
