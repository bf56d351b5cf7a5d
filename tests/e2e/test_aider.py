"""The real aider, by its launch plan: three dialects come through us."""

import subprocess
from collections.abc import Iterator

import pytest

from agentspend.agents.base import Auth
from tests.agents.real import (
    TOKEN,
    Case,
    Outcome,
    Trial,
    at_once,
    why_missing,
)
from tests.agents.recorder import SAYS

pytestmark = pytest.mark.agent("aider")

ASK = (
    "aider", "--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings",
    "--no-analytics", "--message", "say hi",
)  # fmt: skip
MODELS = {
    "openai/gpt-4o": (f"/s/{TOKEN}/v1/chat/completions", "authorization", f"Bearer {TOKEN}"),
    "sonnet": (f"/s/{TOKEN}/v1/messages", "x-api-key", TOKEN),
    "gemini/gemini-2.5-pro": (
        f"/s/{TOKEN}/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
        "x-goog-api-key",
        TOKEN,
    ),
}
ENV = """
OPENAI_API_BASE=http://127.0.0.1:9/v1
OPENAI_BASE_URL=http://127.0.0.1:9/v1
OPENAI_API_KEY=canary
ANTHROPIC_API_BASE=http://127.0.0.1:9
ANTHROPIC_API_KEY=canary
GEMINI_API_BASE=http://127.0.0.1:9
GEMINI_API_KEY=canary
"""


def _with_the_key(model: str) -> Case:
    """The key was chosen, in a project that says otherwise."""

    def case(trial: Trial) -> "subprocess.CompletedProcess[str]":
        trial.write("work/.env", ENV)
        trial.write("work/.aider.conf.yml", "openai-api-base: http://127.0.0.1:9/v1\n")
        return trial.run(*ASK, "--model", model, auth=Auth.KEY)

    return case


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, Outcome]]:
    """All the runs of this file, side by side."""
    if why_missing("aider"):
        pytest.skip(why_missing("aider"))
    cases = {f"key {model}": _with_the_key(model) for model in MODELS}
    with at_once(cases, LITELLM_LOCAL_MODEL_COST_MAP="True") as found:
        yield found


@pytest.mark.parametrize("model", MODELS)
def test_each_dialect_comes_through_us(outcomes: dict[str, Outcome], model: str) -> None:
    """With the token for the key, above what a project's `.env` and configuration say."""
    found = outcomes[f"key {model}"]

    assert SAYS in found.done.stdout, found.done.stdout + found.done.stderr
    path, header, value = MODELS[model]
    (call,) = found.calls
    assert (call.path, call.headers[header]) == (path, value)
    assert "canary" not in str(found.trial.recorder.seen)
    found.trial.nothing_went_elsewhere()
