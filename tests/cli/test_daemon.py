"""`agentspend daemon`: start, stop, look at it, read its log."""

import subprocess
import sys

import psutil
import pytest

from agentspend.cli import daemon
from agentspend.cli.diagnostics import ExitCode
from agentspend.control import client
from tests.cli.conftest import Command
from tests.daemon.helpers import ask, until
from tests.support.process import Home


@pytest.fixture(autouse=True)
def _home(here: Home) -> None:
    """Every test here shares one home."""


def test_start_and_stop(agentspend: Command) -> None:
    """Each says what it did, on stderr, and doing it twice does no harm."""
    first, second = agentspend("daemon", "start"), agentspend("daemon", "start")
    assert (first.code, first.out, second.code, second.out) == (0, "", 0, "")
    assert first.err.startswith("daemon started: pid ")
    assert second.err == first.err.replace("started", "already runs")
    stopped, again = agentspend("daemon", "stop"), agentspend("daemon", "stop")
    assert (stopped.code, stopped.out, stopped.err) == (0, "", "daemon stopped\n")
    assert (again.code, again.err) == (0, "daemon is not running\n")


def test_stop_and_restart_of_one_that_hangs(
    agentspend: Command, here: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not said to be gone, and nobody waits for ever: the process to end is named."""
    agentspend("daemon", "start")
    process = psutil.Process(here.pid())
    process.suspend()
    monkeypatch.setattr(client.Connection.__init__, "__defaults__", (0.3,))
    monkeypatch.setattr(client, "TIMEOUT_S", 0.3)
    try:
        for word in ("stop", "restart"):
            ran = agentspend("daemon", word)
            assert ran.code == ExitCode.DAEMON_UNREACHABLE
            assert f"kill -9 {process.pid}" in ran.err
    finally:
        process.resume()


def _sessions(home: Home) -> list[str]:
    return [each["id"] for each in ask(home, "status")["sessions"]]


def test_restart(agentspend: Command, here: Home) -> None:
    """Another process, the same sessions; a configuration that lets none start stops none."""
    agentspend("daemon", "start")
    before = here.pid()
    with subprocess.Popen(
        [sys.executable, "-m", "agentspend", "run", "--", "cat"],
        env=here.env, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        (name,) = until(lambda: _sessions(here), "the session is open")
        ran = agentspend("daemon", "restart")
        after = here.pid()
        assert (ran.code, ran.err.startswith(f"daemon started: pid {after}, port ")) == (0, True)
        assert after not in (0, before)
        assert until(lambda: _sessions(here), "it goes on") == [name]
        running.communicate(timeout=60)
    text = here.config.read_text()
    here.config.write_text("[broken")
    assert agentspend("daemon", "restart").code == ExitCode.FAILED
    assert here.pid() == after
    here.config.write_text(text)
    agentspend("daemon", "stop")
    assert agentspend("daemon", "restart").err.startswith("daemon started: pid ")


def test_status_for_people(agentspend: Command) -> None:
    """Where agents reach it and where commands do."""
    agentspend("daemon", "start")
    rows = dict(line.split(maxsplit=1) for line in agentspend("daemon", "status").out.splitlines())
    assert list(rows) == ["running", "agents", "control", "sessions"]
    assert rows["agents"].startswith("http://127.0.0.1:")


def test_a_bad_file_is_told_while_the_last_good_one_holds(agentspend: Command, here: Home) -> None:
    """A configuration that cannot be read stops no daemon, and is said wherever one looks."""
    agentspend("daemon", "start")
    text = here.config.read_text()
    here.config.write_text(text + "[deamon]\n")
    agentspend("budget", "confirm")
    ran = agentspend("daemon", "status")
    looked = agentspend("doctor")
    here.config.write_text(text)
    agentspend("budget", "confirm")
    assert "the last good configuration is in force: " in ran.err
    assert looked.code == ExitCode.FAILED
    assert "✗ " in looked.out
    assert "deamon is not a setting" in looked.out


def test_logs(agentspend: Command) -> None:
    """The newest lines as words, or as they are; -n says how many."""
    agentspend("daemon", "start")
    ran = agentspend("daemon", "logs")
    assert any("  ready  port=" in line for line in ran.out.splitlines())
    assert len(agentspend("daemon", "logs", "-n", "1").out.splitlines()) == 1
    assert agentspend("daemon", "logs", "--json", "-n", "1").out.startswith("{")
    assert agentspend("daemon", "logs", "-n", "0").code == ExitCode.USAGE


def test_logs_follow(here: Home, agentspend: Command) -> None:
    """-f goes on as lines come, until it is stopped."""
    agentspend("daemon", "start")
    process = subprocess.Popen(
        [sys.executable, "-m", "agentspend", "daemon", "logs", "-f", "-n", "1"],
        env=here.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    agentspend("daemon", "stop")
    while "  stopped" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(2)
    assert process.wait(20) == ExitCode.INTERRUPT


def test_no_log_yet(fresh: Home, agentspend: Command) -> None:
    """Before the first start there is nothing to read."""
    ran = agentspend("daemon", "logs")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("there is no log yet")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"ts":"T","event":"ready","port":1,"why":""}', "T  ready  port=1"),
        ('{"ts":"T","event":"stopped"}', "T  stopped"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("[1]", "[1]"),
        ('{"event":"x"}', '{"event":"x"}'),
    ],
)
def test_a_line_of_the_log(line: str, shown: str) -> None:
    """JSON becomes words; anything else stays as it is."""
    assert daemon._readable(f"{line}\n", as_json=False) == shown
    assert daemon._readable(f"{line}\n", as_json=True) == line
