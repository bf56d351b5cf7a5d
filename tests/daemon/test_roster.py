"""Which sessions a daemon lets in again after a crash: those of the very processes that run."""

import json
import sqlite3
import urllib.error
import urllib.request

import pytest

from agentspend.core.errors import AgentspendError
from tests.daemon.helpers import ask, budget, paths, session
from tests.support.process import Home


def change_session(home: Home, **fields: object) -> None:
    """Rewrite what the dead daemon's database says of its one open session."""
    with sqlite3.connect(paths(home).ledger) as conn:
        (body,) = conn.execute("SELECT body FROM session WHERE closed_us IS NULL").fetchone()
        conn.execute(
            "UPDATE session SET body = ? WHERE closed_us IS NULL",
            (json.dumps({**json.loads(body), **fields}).encode(),),
        )
    conn.close()


def test_a_session_whose_run_lives_is_let_in_again(home: Home) -> None:
    """After kill -9 it is live before its `run` has even reconnected."""
    home.run("daemon", "start")
    with session(home) as way:
        home.kill()
        home.run("daemon", "start")

        assert [each["id"] for each in ask(home, "status")["sessions"]] == [way.id]


@pytest.mark.parametrize("fields", [{"pid": 2**22 + 1}, {"born_us": 1_000_000}])
def test_a_session_whose_run_is_gone_is_ended(home: Home, fields: dict[str, int]) -> None:
    """Gone, or its number is another process's now: after a reboot a person's shell may have it,
    and that person may raise budgets."""
    home.run("daemon", "start")
    with session(home):
        home.kill()
        change_session(home, **fields)
        home.run("daemon", "start")

        assert ask(home, "status")["sessions"] == []
        assert home.run("budget", "raise", "daily", "1").returncode == 0
    assert budget(home)["limit_nusd"] == 6_000_000_000


def test_a_session_that_waits_for_its_key_says_so(home: Home) -> None:
    """Until `run` has handed the key over again, a request gets a clear answer and no refusal."""
    home.run("daemon", "start")
    with session(home) as way:
        home.kill()
        home.run("daemon", "start")
        port = ask(home, "ping")["port"]
        again = type(way)(way.id, way.token, f"http://127.0.0.1:{port}/s/{way.token}")

        answer = again.post()

        assert answer.status in (502, 503)
        assert b"waits for `agentspend run` to hand the key over" in answer.read()


def test_a_sessions_choice_of_provider_outlives_the_daemon(home: Home) -> None:
    """After kill -9 it still asks nobody else."""
    home.run("daemon", "start")
    with session(home, providers=["anthropic"]) as way:
        home.kill()
        home.run("daemon", "start")
        port = ask(home, "ping")["port"]
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/s/{way.token}/v1/chat/completions",
            b'{"model":"gpt-4.1","messages":[]}',
            {"Content-Type": "application/json"},
        )
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request, timeout=10)

        assert b"which its provider does not speak" in raised.value.read()


def test_a_session_that_chooses_nobody_is_not_opened(home: Home) -> None:
    """A provider that is not set up is named before anything is started."""
    home.run("daemon", "start")
    with pytest.raises(AgentspendError, match="provider groq is not set up") as raised:
        session(home, providers=["groq"]).__enter__()
    assert raised.value.hint == "agentspend providers add groq"
