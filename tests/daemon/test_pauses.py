"""What a person does to running sessions: no agent may, and it outlives a restart."""

import subprocess
import sys

import pytest

from agentspend.core.errors import AgentspendError
from tests.daemon.helpers import ask, until
from tests.support.process import Home


def test_a_pause_outlives_the_daemon(home: Home) -> None:
    """`kill -9` lets nobody go on."""
    home.run("daemon", "start")
    assert ask(home, "session.pause", session="")["paused"][""]["why"] == "a person paused it"
    home.kill()
    home.run("daemon", "start")
    assert list(ask(home, "status")["paused"]) == [""]
    assert ask(home, "session.resume", session="")["resumed"] == [""]
    assert ask(home, "status")["paused"] == {}


def test_only_a_session_that_runs_can_be_paused(home: Home) -> None:
    """Another name is told, and nothing is kept."""
    home.run("daemon", "start")
    with pytest.raises(AgentspendError, match="no session 's_nobody' runs"):
        ask(home, "session.pause", session="s_nobody")


def test_a_person_pauses_one_session_and_lets_it_go_on(home: Home) -> None:
    """By the beginning of its name; `status` says so meanwhile."""
    home.run("daemon", "start")
    with subprocess.Popen(
        [sys.executable, "-m", "agentspend", "run", "--", "cat"],
        env=home.env, cwd=home.user, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        name = until(lambda: _sessions(home), "the session is open")[0]
        assert f"session {name} is paused" in home.run("pause", name[:6]).stderr
        assert f"session {name} is paused for" in home.run("status").stdout
        assert f"session {name} goes on" in home.run("resume").stderr
        assert home.json("status")["paused"] == {}
        _allows_only_haiku(home, name)
        assert running.stdin is not None
        running.stdin.close()


def _allows_only_haiku(home: Home, name: str) -> None:
    """Also after the daemon died; `--any` lifts it, and nothing else of the session's rules."""
    done = home.run("models", name, "--only", "claude-haiku-*", "--only", "*sonnet*")
    assert "may use only claude-haiku-*, *sonnet*" in done.stderr
    assert _own_rules(home) == ["allows claude-haiku-*, *sonnet*"]
    home.run("models", name, "--only", "claude-haiku-*")
    pid = home.pid()
    home.kill()
    until(lambda: home.pid() not in (0, pid), "its run started another daemon")
    until(lambda: _own_rules(home) == ["allows claude-haiku-*"], "the rule is there")
    home.run("models", name, "--any")
    assert _own_rules(home) == []


def _own_rules(home: Home) -> list[str]:
    rules = home.json("status")["rules"]
    return [each["text"] for each in rules if each["source"] == "agentspend models"]


def _sessions(home: Home) -> list[str]:
    return [each["id"] for each in home.json("status")["sessions"]]


@pytest.mark.parametrize("words", ["resume", "resume --all", "pause --all"])
def test_no_agent_may(home: Home, words: str) -> None:
    """It would let itself go on, stop others, or use a dearer model."""
    home.run("daemon", "start")
    ask(home, "session.pause", session="")
    said = home.run("run", "--", "sh", "-c", f"agentspend {words}").stderr
    assert "an agent may not" in said, said
    assert list(ask(home, "status")["paused"]) == [""]
