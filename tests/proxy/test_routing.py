"""Which provider a path leads to, and that nothing else is mistaken for one."""

import pytest

from agentspend.config.schema import parse_config
from agentspend.dialects.base import Route
from agentspend.proxy.routing import Astray, provider_in, route_for

USUAL = parse_config("").providers


@pytest.mark.parametrize(
    ("path", "provider", "kind", "upstream"),
    [
        ("/v1/messages", "anthropic", "messages", "/v1/messages"),
        ("/messages", "anthropic", "messages", "/v1/messages"),
        ("/v1/messages/", "anthropic", "messages", "/v1/messages"),
        ("/v1/messages/count_tokens", "anthropic", "count_tokens", "/v1/messages/count_tokens"),
        ("/messages/count_tokens", "anthropic", "count_tokens", "/v1/messages/count_tokens"),
        ("/v1/models", "anthropic", "models", "/v1/models"),
        ("/models/claude-opus-5/", "anthropic", "models", "/v1/models/claude-opus-5"),
        ("/v1beta/models", "google", "models", "/v1beta/models"),
        ("/v1beta/models/gemini-3.8-flash", "google", "models", "/v1beta/models/gemini-3.8-flash"),
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
    route = route_for(path, {}, USUAL)
    assert isinstance(route, Route)
    assert (route.dialect.provider, route.kind, route.path) == (provider, kind, upstream)


def test_models_are_listed_by_whom_the_caller_speaks_to() -> None:
    """Two APIs list their models at one path; their headers tell them apart."""
    asked = {"Authorization": "Bearer t"}
    openai = route_for("/v1/models", asked, USUAL)
    anthropic = route_for("/v1/models", {**asked, "anthropic-version": "2023-06-01"}, USUAL)
    one = route_for("/@gateway/v1/models/anthropic/claude-opus-5:free", asked, MORE)
    assert isinstance(openai, Route)
    assert isinstance(anthropic, Route)
    assert isinstance(one, Route)
    assert one.path == "/v1/models/anthropic/claude-opus-5:free"
    assert (openai.dialect.provider, anthropic.dialect.provider) == ("openai", "anthropic")


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/v1", "/v1/v1/messages", "/v1messages", "/v1/messages/batches", "/v1/Messages",
        "/v1/messages/../files", "/v1/messages?beta=true", "/v1/complete", "/api/hello",
        "/v1beta/models/../x:generateContent", "/v1/responses/r_1", "/v1/models/../files",
        "/v1/models/.", "/v1/models//x", "/v1/models/a/b/c/d", "/v1/models/a%2Fb",
    ],
)  # fmt: skip
def test_any_other_path_is_nobodys(path: str) -> None:
    """Batches and files cost money that nobody here meters: they lead nowhere."""
    assert route_for(path, {}, USUAL) is None


MORE = parse_config(
    '[providers.deepseek]\n[providers.groq]\n[providers.gateway]\ndialect = "anthropic"\n'
    'base_url = "https://gw.corp"\n'
).providers


@pytest.mark.parametrize(
    ("path", "chosen", "provider"),
    [
        ("/v1/chat/completions", (), "openai"),
        ("/@deepseek/v1/chat/completions", (), "deepseek"),
        ("/@deepseek/chat/completions", ("groq",), "deepseek"),
        ("/@deepseek/v1/messages", (), "deepseek"),
        ("/v1/chat/completions", ("deepseek",), "deepseek"),
        ("/v1/messages", ("groq", "deepseek"), "deepseek"),
        ("/v1/responses", ("deepseek", "groq"), "groq"),
        ("/v1/models", ("deepseek",), "deepseek"),
        ("/@groq/v1/models", (), "groq"),
        ("/@anthropic/v1/messages", ("deepseek",), "anthropic"),
    ],
)
def test_the_path_comes_before_the_sessions_choice_and_that_before_the_usual_one(
    path: str, chosen: tuple[str, ...], provider: str
) -> None:
    """Three places can say who answers; the first that does decides."""
    route = route_for(path, {}, MORE, chosen)
    assert isinstance(route, Route)
    assert (route.dialect.provider, route.named) == (provider, path.startswith("/@"))
    assert "@" not in route.path


@pytest.mark.parametrize(
    ("path", "chosen", "said"),
    [
        ("/@deepsek/v1/messages", (), "did you mean deepseek?"),
        ("/@mistral/v1/chat/completions", (), "agentspend providers add mistral"),
        ("/@/v1/messages", (), "there is no provider ''"),
        (f"/@{'x' * 200}/v1/messages", (), "there is no provider of that name"),
        ("/@groq/v1/messages", (), "groq speaks OpenAI Chat Completions, OpenAI Responses"),
        ("/v1/responses", ("deepseek",), "agentspend run --provider openai …"),
        ("/v1/messages", ("gone",), "there is no provider 'gone'"),
    ],
)
def test_who_cannot_answer_is_said_with_who_can(
    path: str, chosen: tuple[str, ...], said: str
) -> None:
    """Nobody else is asked instead: the choice was somebody's, and the price hangs on it."""
    route = route_for(path, {}, MORE, chosen)
    assert isinstance(route, Astray)
    assert said in route.message
    assert len(route.message) < 500


def test_a_provider_in_a_path_is_one_segment() -> None:
    """Also under a key's prefix: whoever strips the prefix hands the rest in."""
    assert provider_in("/@xai/v1/responses") == ("xai", "/v1/responses")
    assert provider_in("/v1/@xai/responses") == (None, "/v1/@xai/responses")
    assert provider_in("/@xai") == ("xai", "/")
    assert route_for("/@xai/@groq/v1/models", {}, MORE) is None
