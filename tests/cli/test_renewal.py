"""After an upgrade: an old daemon that nobody needs is replaced, one in use is told of in words."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import agentspend as ours
from agentspend.control.client import call
from agentspend.core.errors import AgentspendError, DaemonUnreachable
from tests.cli.conftest import Command
from tests.daemon.helpers import ask, paths, session, until
from tests.support.process import Home

OTHER = Path(__file__).with_name("other_version.py")
OLD, NEW = "0.0.9", "99.1"
BOTH = "the daemon that runs is version {}, this command is {}"
MEND = "→ agentspend daemon restart, then try again; sessions that run go on with the new daemon"

Begin = Callable[..., int]


@pytest.fixture
def begin(fresh: Home) -> Iterator[Begin]:
    """Start a daemon of another version; its process id."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> int:
        with paths(fresh).logs.joinpath("other.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, str(OTHER), *words], env=fresh.env, stdout=log, stderr=log
                )
            )
        until(lambda: _runs(fresh), "it answers")
        return started[-1].pid

    yield start
    for each in started:
        each.kill()
        each.wait(10)


def _runs(home: Home) -> dict[str, Any]:
    with suppress(DaemonUnreachable):
        return call(paths(home).socket, "ping")
    return {}


def test_one_that_nobody_needs_is_replaced(agentspend: Command, begin: Begin, fresh: Home) -> None:
    """By the first command that asks for a daemon, with a word about it; only once."""
    old = begin(OLD)
    ran = agentspend("daemon", "start")
    found = ask(fresh, "ping")
    assert ran.code == 0, ran.err
    assert (found["version"], found["pid"] != old) == (ours.__version__, True)
    assert ran.err == (
        f"agentspend: the daemon was version {OLD}; version {ours.__version__} runs now:"
        f" pid {found['pid']}, port {found['port']}\n"
    )
    assert "already runs" in agentspend("daemon", "start").err
    assert ask(fresh, "ping")["pid"] == found["pid"]


def test_one_in_use_stays_and_what_it_never_heard_of_is_told(
    agentspend: Command, begin: Begin, fresh: Home
) -> None:
    """The session lives; a person reads both versions, and what to do."""
    old = begin(OLD, "key.list", "budgets")
    versions = BOTH.format(OLD, ours.__version__)
    with session(fresh):
        ran = agentspend("daemon", "start")
        assert f"{versions}; it is replaced when 1 open session has ended" in ran.err
        for words in (
            ("run", "--team", "web", "--", "true"), ("key", "list"), ("budget", "list"),
        ):  # fmt: skip
            done = fresh.run(*words)
            assert (done.returncode, done.stdout) == (1, ""), words
            assert f"agentspend: {versions}, and they do not understand each other" in done.stderr
            assert done.stderr.endswith(f"{MEND}\n"), words
        assert "no virtual key is named 'ci'" in agentspend("key", "info", "ci").err
        assert [each["id"] for each in ask(fresh, "status")["sessions"]] == ["s_test"]
    assert ask(fresh, "ping")["pid"] == old


def test_a_team_that_an_old_one_takes_no_notice_of_stops_the_run(begin: Begin, fresh: Home) -> None:
    """Its spending would be filed under the home team."""
    begin(OLD, "team")
    with session(fresh):
        done = fresh.run("run", "--team", "web", "--", "echo", "started")
    assert (done.returncode, done.stdout) == (1, "")
    assert "and that daemon does not know --team" in done.stderr
    assert done.stderr.endswith(f"{MEND}\n")


def test_one_of_the_same_number_from_before_a_change(begin: Begin, fresh: Home) -> None:
    """A clone that was pulled keeps its number: what to do is said all the same."""
    begin(ours.__version__)
    with session(fresh):
        done = fresh.run("run", "--team", "web", "--", "echo", "started")
    assert (done.returncode, done.stdout) == (1, "")
    assert "it was started before agentspend was changed here" in done.stderr
    assert done.stderr.endswith(f"{MEND}\n")


def test_a_newer_one_is_left_alone(agentspend: Command, begin: Begin, fresh: Home) -> None:
    """A command from before an upgrade replaces nothing: its ledger may be a newer one by now."""
    new = begin(NEW, "key.list")
    assert "already runs" in agentspend("daemon", "start").err
    assert ask(fresh, "ping")["pid"] == new
    ran = agentspend("key", "list")
    assert (ran.code, BOTH.format(NEW, ours.__version__) in ran.err) == (1, True)


def test_no_key_is_made_where_its_team_is_taken_no_notice_of(
    agentspend: Command, begin: Begin, fresh: Home
) -> None:
    """Nobody has the token of a key that would spend for another team."""
    begin(NEW, "key.team")
    ran = agentspend("key", "create", "--alias", "ci", "--team", "web", "--max-budget", "5")
    assert (ran.code, ran.out) == (1, "")
    assert "and that daemon does not know --team" in ran.err
    assert ask(fresh, "key.list")["keys"] == []
    assert agentspend("key", "create", "--alias", "ci").code == 0
    assert "does not know --team" in agentspend("key", "update", "ci", "--team", "web").err


def test_one_that_knows_a_passphrase_stays(
    agentspend: Command, begin: Begin, fresh: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one would ask for it again, where perhaps nobody answers."""
    from agentspend.config.secrets import KeyStore

    old = begin(OLD)
    monkeypatch.delenv("AGENTSPEND_ANTHROPIC_KEY")
    KeyStore(paths(fresh).data, {}, "open sesame").write_encrypted("anthropic", "sk-ant-x")
    ran = agentspend("daemon", "start")
    assert "it stays, as it knows the passphrase of your keys" in ran.err
    assert ran.err.splitlines()[1].endswith("daemon restart, then agentspend keys unlock")
    assert ask(fresh, "ping")["pid"] == old


def test_what_this_version_does_not_know_itself_is_its_own_error(
    agentspend: Command, fresh: Home
) -> None:
    """Of one version with its daemon, a command that lacks an answer's field is a defect."""
    from agentspend.cli import renewal

    agentspend("daemon", "start")
    assert renewal.of_two_versions(paths(fresh)) is None


async def test_the_live_screen_is_told_too(begin: Begin, fresh: Home) -> None:
    """Its own connections say both versions where the old daemon does not understand."""
    from agentspend.control.watching import follow

    await asyncio.to_thread(begin, OLD, "top")
    told = follow(paths(fresh).socket)
    with pytest.raises(AgentspendError, match=BOTH.format(OLD, ours.__version__)):
        await anext(told)
