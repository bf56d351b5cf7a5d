"""The real Codex, by its launch plan: comes through us with each way to pay."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentspend.agents.base import Auth, KeySource
from tests.agents.real import KEY_CANARY, TOKEN, Trial
from tests.agents.recorder import SAYS, Recorder

pytestmark = pytest.mark.agent("codex")

ASK = ("codex", "exec", "--skip-git-repo-check", "say hi")


def _part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


CLAIMS = {
    "exp": 4_102_444_800,
    "email": "dev@example.com",
    "https://api.openai.com/auth": {"chatgpt_account_id": "acct-1", "chatgpt_plan_type": "pro"},
}
JWT = f"{_part({'alg': 'RS256'})}.{_part(CLAIMS)}.{_part('signature')}"
LOGIN = {
    "auth_mode": "chatgpt",
    "tokens": {
        "id_token": JWT, "access_token": JWT, "refresh_token": "r", "account_id": "acct-1",
    },
    "last_refresh": "2100-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def trial(folder: Path) -> Iterator[Trial]:
    with Recorder() as recorder:
        yield Trial(folder, recorder)


def test_the_token_pays_over_plain_http(trial: Trial) -> None:
    """One request, no WebSocket tried; a stored key and variables of Codex's own do not count."""
    trial.env = {"CODEX_API_KEY": KEY_CANARY, "OPENAI_API_KEY": KEY_CANARY}

    done = trial.run(*ASK, auth=Auth.KEY)

    assert SAYS in done.stdout, done.stderr
    (call,) = trial.recorder.calls()
    assert call.path == "/s/-/v1/responses"
    assert call.headers["x-agentspend-token"] == TOKEN
    assert call.headers["authorization"] == f"Bearer {TOKEN}"
    assert "content-encoding" not in call.headers
    assert KEY_CANARY not in str(trial.recorder.seen)
    assert not [item for item in trial.recorder.seen if "upgrade" in item.headers]
    trial.nothing_went_elsewhere()


def test_a_chatgpt_login_comes_along_untouched(trial: Trial) -> None:
    """Its bearer and account go through us; our token is in its own header, not in `argv`.

    Also where the environment held a key, which Codex itself would not use.
    """
    trial.write(".codex/auth.json", LOGIN)

    done = trial.run(*ASK, key=KeySource.ENVIRONMENT, taken=["OPENAI_API_KEY"])

    assert SAYS in done.stdout, done.stderr
    (call,) = trial.recorder.calls()
    assert call.headers["authorization"] == f"Bearer {JWT}"
    assert call.headers["chatgpt-account-id"] == "acct-1"
    assert call.headers["x-agentspend-token"] == TOKEN
    trial.nothing_went_elsewhere()


def test_files_of_the_users_do_not_lead_past_us(trial: Trial) -> None:
    """A project's file may name no provider; other settings of the user's stay in force."""
    here = 'model_provider="x"\n[model_providers.x]\nname="x"\nbase_url="http://127.0.0.1:9/v1"\n'
    trial.write("work/.codex/config.toml", here)
    trust = f'[projects."{trial.home}/work"]\ntrust_level="trusted"\n'
    trial.write(".codex/config.toml", f'model="gpt-5.4-mini"\n{trust}')

    done = trial.run(*ASK)

    assert SAYS in done.stdout, done.stderr
    (call,) = trial.recorder.calls()
    assert call.json()["model"] == "gpt-5.4-mini"
