"""The real Gemini CLI, by its launch plan: comes through us."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentspend.agents.base import Auth, KeySource
from tests.agents.real import KEY_CANARY, TOKEN, Trial
from tests.agents.recorder import SAYS, Recorder

pytestmark = pytest.mark.agent("gemini")

ASK = ("gemini", "--skip-trust", "-p", "say hi")
API_KEY = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
GOOGLE = {"security": {"auth": {"selectedType": "oauth-personal"}}, "ui": {"theme": "GitHub"}}


@pytest.fixture
def trial(folder: Path) -> Iterator[Trial]:
    with Recorder() as recorder:
        yield Trial(folder, recorder)


def test_a_fresh_person_comes_through_us(trial: Trial) -> None:
    """No settings at all: the sign-in is selected in a folder of ours, none is left at home."""
    done = trial.run(*ASK)

    assert SAYS in done.stdout, done.stderr
    assert len(trial.recorder.calls()) == 2
    for call in trial.recorder.calls():
        assert call.path.startswith(f"/s/{TOKEN}/v1beta/models/")
        assert call.headers["x-goog-api-key"] == TOKEN
    assert not (trial.home / ".gemini").exists()
    trial.nothing_went_elsewhere()


def test_a_google_login_gives_way_where_the_key_was_chosen(trial: Trial) -> None:
    """With `auth = "key"` its own file stays as it was, and what it wrote before is still there."""
    file = trial.write(".gemini/settings.json", GOOGLE)
    trial.write(".gemini/oauth_creds.json", {"access_token": "ya29.canary"})
    before = file.read_text()

    done = trial.run(*ASK, auth=Auth.KEY)

    assert SAYS in done.stdout, done.stderr
    assert {call.headers["x-goog-api-key"] for call in trial.recorder.calls()} == {TOKEN}
    assert file.read_text() == before
    assert "ya29.canary" not in str(trial.recorder.seen)
    trial.nothing_went_elsewhere()


def test_a_key_of_its_own_comes_along_untouched(trial: Trial) -> None:
    """From its own `.env`: real dollars, seen by us, with the key as it was."""
    trial.write(".gemini/settings.json", API_KEY)
    trial.write(".gemini/.env", f"GEMINI_API_KEY={KEY_CANARY}\n")

    done = trial.run(*ASK, key=KeySource.NONE)

    assert SAYS in done.stdout, done.stderr
    assert {call.headers["x-goog-api-key"] for call in trial.recorder.calls()} == {KEY_CANARY}
    trial.nothing_went_elsewhere()
