"""Which API a path speaks, of all dialects, with or without a version."""

import pytest

from agentspend.dialects.routes import dialect_name, dialect_of, find_route


@pytest.mark.parametrize(
    ("path", "name", "kind", "upstream", "model"),
    [
        ("/v1/messages", "anthropic", "messages", "/v1/messages", ""),
        ("/messages/count_tokens", "anthropic", "count_tokens", "/v1/messages/count_tokens", ""),
        ("/v1/chat/completions", "openai_chat", "messages", "/v1/chat/completions", ""),
        ("/chat/completions/", "openai_chat", "messages", "/v1/chat/completions", ""),
        ("/v1/responses", "openai_responses", "messages", "/v1/responses", ""),
        ("/responses", "openai_responses", "messages", "/v1/responses", ""),
        (
            "/v1beta/models/gemini-3.8-flash:streamGenerateContent",
            "gemini",
            "messages",
            "/v1beta/models/gemini-3.8-flash:streamGenerateContent",
            "gemini-3.8-flash",
        ),
        (
            "/models/gemini-2.5-pro:generateContent",
            "gemini",
            "messages",
            "/v1beta/models/gemini-2.5-pro:generateContent",
            "gemini-2.5-pro",
        ),
        (
            "/v1/models/gemini-2.5-pro:countTokens",
            "gemini",
            "count_tokens",
            "/v1beta/models/gemini-2.5-pro:countTokens",
            "gemini-2.5-pro",
        ),
        *(
            (f"/v1internal:{method}", "code_assist", kind, f"/v1internal:{method}", "")
            for method, kind in (
                ("generateContent", "messages"), ("streamGenerateContent", "messages"),
                ("countTokens", "count_tokens"), ("loadCodeAssist", "count_tokens"),
                ("onboardUser", "count_tokens"), ("getCodeAssistGlobalUserSetting", "models"),
            )
        ),
        ("/v1internal/operations/op-1", "code_assist", "models", "/v1internal/operations/op-1", ""),
    ],
)  # fmt: skip
def test_a_path_leads_to_its_endpoint(
    path: str, name: str, kind: str, upstream: str, model: str
) -> None:
    """The provider gets its own path."""
    route = find_route(path, "somebody")
    assert route is not None
    assert (route.kind, route.path, route.model) == (kind, upstream, model)
    assert route.dialect.name == name == dialect_name(path)
    assert route.login_only is (name == "code_assist")


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/v1", "/v1/v1/messages", "/v1/responses/resp_1", "/v1/responses/resp_1/cancel",
        "/v1/completions", "/v1/embeddings", "/v1/batches", "/v1/Chat/completions",
        "/v1beta/models/a:embedContent", "/v1beta/models/a:batchGenerateContent",
        "/v1beta/models/a/b:generateContent", "/v1beta/models/:generateContent",
        "/v1beta/models/..%2Fa:generateContent", "/v1beta/cachedContents", "/v2/messages",
        "/v1beta/models/a:generateContent\n", "/v1/messages/batches", "/v1internal:generateChat",
        "/v1internal", "/v1internal:", "/v1internal/generateContent", "/v1internal/operations/",
        "/v1internal/operations/../x", "/v1internal:generateContent\n", "/internal:generateContent",
    ],
)  # fmt: skip
def test_any_other_path_is_nobodys(path: str) -> None:
    """Batches, embeddings and caches cost money that nobody here meters."""
    assert find_route(path, "openai") is None
    assert dialect_name(path) is None


def test_a_dialect_is_made_once_for_a_provider() -> None:
    """And knows whose prices apply."""
    chat = dialect_of("openai_chat", "deepseek")
    assert chat is dialect_of("openai_chat", "deepseek")
    assert chat.provider == "deepseek"
    assert dialect_of("anthropic", "anthropic").provider == "anthropic"
