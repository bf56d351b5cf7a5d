"""The real OpenCode, by its launch plan: three providers come through us."""

import subprocess
from collections.abc import Iterator

import pytest

from agentspend.agents.base import Auth, KeySource
from tests.agents.real import (
    TOKEN,
    Case,
    Outcome,
    Trial,
    at_once,
    why_missing,
)
from tests.agents.recorder import SAYS

pytestmark = pytest.mark.agent("opencode")

MODELS = {
    "anthropic/claude-sonnet-4-5": (f"/s/{TOKEN}/v1/messages", "x-api-key", TOKEN),
    "openai/gpt-5.4": (f"/s/{TOKEN}/responses", "authorization", f"Bearer {TOKEN}"),
    "google/gemini-2.5-pro": (f"/s/{TOKEN}/v1beta/models/", "x-goog-api-key", TOKEN),
}
LOGIN = {
    "type": "oauth",
    "refresh": "r",
    "access": "canary-access",
    "expires": 4_102_444_800_000,
    "accountId": "acct-1",
}


def _with_the_key(model: str) -> Case:
    """The key was chosen, in a project that says otherwise."""

    def case(trial: Trial) -> "subprocess.CompletedProcess[str]":
        options = {"baseURL": "http://127.0.0.1:9/x", "apiKey": "canary"}
        provider = model.partition("/")[0]
        trial.write("work/opencode.json", {"provider": {provider: {"options": options}}})
        return trial.run("opencode", "run", "-m", model, "say hi", auth=Auth.KEY)

    return case


def _with_the_login(auth: Auth, key: KeySource) -> Case:
    """There is a ChatGPT login in OpenCode's own store, and a key in the environment."""

    def case(trial: Trial) -> "subprocess.CompletedProcess[str]":
        trial.write(".local/share/opencode/auth.json", {"openai": LOGIN})
        words = ("opencode", "run", "-m", "openai/gpt-5.4", "say hi")
        return trial.run(*words, key=key, auth=auth, taken=["OPENAI_API_KEY"])

    return case


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, Outcome]]:
    """All the runs of this file, side by side."""
    if why_missing("opencode"):
        pytest.skip(why_missing("opencode"))
    cases = {f"key {model}": _with_the_key(model) for model in MODELS}
    cases["login"] = _with_the_login(Auth.AUTO, KeySource.ENVIRONMENT)
    cases["login and key"] = _with_the_login(Auth.KEY, KeySource.STORED)
    with at_once(cases, OPENCODE_DISABLE_MODELS_FETCH="1") as found:
        yield found


@pytest.mark.parametrize("model", MODELS)
def test_each_provider_comes_through_us(outcomes: dict[str, Outcome], model: str) -> None:
    """The title and the main request, with the token for the key, above a project's redirect."""
    found = outcomes[f"key {model}"]

    path, header, value = MODELS[model]
    assert SAYS in found.done.stdout, found.done.stderr
    assert len(found.calls) == 2
    assert all(call.path.startswith(path) for call in found.calls)
    assert {call.headers[header] for call in found.calls} == {value}
    found.trial.nothing_went_elsewhere()


def test_a_chatgpt_login_comes_along_untouched(outcomes: dict[str, Outcome]) -> None:
    """It would go to chatgpt.com from an address with `/v1/responses`; from ours it does not."""
    found = outcomes["login"]

    assert SAYS in found.done.stdout, found.done.stderr
    for call in found.calls:
        assert call.path == f"/s/{TOKEN}/responses"
        assert call.headers["authorization"] == "Bearer canary-access"
        assert call.headers["chatgpt-account-id"] == "acct-1"
    assert "chatgpt.com:443" not in found.trial.recorder.elsewhere()


def test_a_chatgpt_login_gives_way_where_the_key_was_chosen(outcomes: dict[str, Outcome]) -> None:
    """With `auth = "key"` the token goes out, though the login would win in OpenCode itself."""
    found = outcomes["login and key"]

    assert SAYS in found.done.stdout, found.done.stderr
    assert {call.headers["authorization"] for call in found.calls} == {f"Bearer {TOKEN}"}
    assert "chatgpt.com:443" not in found.trial.recorder.elsewhere()
