"""Who is spoken to."""

import pytest

from agentspend.sandbox.routes import match, speaker

BEARER = {"Authorization": "Bearer sk-test"}


@pytest.mark.parametrize("prefix", ["", "/v1", "/s/one/v1", "/s/one", "/k/key/v1"])
@pytest.mark.parametrize(
    ("end", "name", "counting"),
    [
        ("/messages", "anthropic", False),
        ("/messages/count_tokens", "anthropic", True),
        ("/chat/completions", "openai-chat", False),
        ("/responses", "openai-responses", False),
        ("/responses/input_tokens", "openai-responses", True),
        ("/models/gemini-3.8-flash:generateContent", "gemini", False),
        ("/models/gemini-3.8-flash:countTokens", "gemini", True),
    ],
)
def test_paths_with_and_without_prefix(prefix: str, end: str, name: str, counting: bool) -> None:
    """Whatever stands before it, the end of a path says what is asked."""
    route = match("POST", prefix + end, {}, {})
    assert route is not None
    assert (route.dialect.name, route.counting) == (name, counting)
    assert match("GET", prefix + end, {}, {}) is None


def test_code_assist_is_gemini_behind_a_login() -> None:
    """Its path says whether to stream; no key opens it."""
    route = match("POST", "/s/x/v1internal:streamGenerateContent", {}, {"x-goog-api-key": "k"})
    assert route is not None
    assert (route.dialect.name, route.counting, route.has_key) == ("code_assist", False, False)
    assert route.more == {"stream": True, "alt": "sse"}
    assert match("POST", "/v1internal:loadCodeAssist", {}, {}) is None
    assert speaker("/v1internal:loadCodeAssist", BEARER).name == "gemini"


def test_a_gemini_path_says_what_the_body_does_not() -> None:
    """The model, whether to stream, and in which framing."""
    path = "/s/abc/v1beta/models/gemini-2.5-pro:streamGenerateContent"
    route = match("POST", path, {"alt": "sse"}, {"x-goog-api-key": "k"})
    assert route is not None
    assert route.more == {"model": "gemini-2.5-pro", "stream": True, "alt": "sse"}
    assert route.has_key
    listed = match("POST", path, {"key": "k"}, {})
    assert listed is not None
    assert listed.more["alt"] == "json"
    assert listed.has_key


@pytest.mark.parametrize(
    ("path", "headers", "name"),
    [
        ("/v1/models", BEARER, "openai-chat"),
        ("/v1/models", {"x-api-key": "k"}, "anthropic"),
        ("/v1/models", {**BEARER, "anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1beta/models", {}, "gemini"),
        ("/v1/nothing", {"x-goog-api-key": "k"}, "gemini"),
        ("/v1/responses", {}, "openai-chat"),
        ("/api/hello", {}, "anthropic"),
    ],
)
def test_other_requests_are_answered_in_the_callers_words(
    path: str, headers: dict[str, str], name: str
) -> None:
    """A list of models or an error looks as the caller expects it."""
    assert speaker(path, headers).name == name
