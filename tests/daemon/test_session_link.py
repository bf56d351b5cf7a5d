"""The link that `run` keeps: when it brings a dead daemon back, and when it leaves it dead."""

import threading
from pathlib import Path

import pytest

from agentspend.cli import session_link
from agentspend.cli.session_link import SessionLink
from agentspend.control.client import Message
from agentspend.core.errors import DaemonUnreachable
from tests.daemon.helpers import ask, paths, until
from tests.support.process import Home

FIELDS: Message = {"session": "s_link", "payer": {"agent": "claude", "session": "s_link"}}


def test_after_starts_that_failed_it_still_finds_a_daemon_that_somebody_starts(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five failed starts, then a person mends it: the session is back, with the same token."""
    monkeypatch.setattr(session_link, "RESTARTS_AFTER_S", (0.0,) * 5)
    monkeypatch.setattr(session_link, "LOOK_AGAIN_S", 0.01)
    tried: list[Path] = []
    exhausted = threading.Event()

    def failing(socket: Path, _: Path) -> Message:
        tried.append(socket)
        if len(tried) == 5:
            exhausted.set()
        raise DaemonUnreachable("no daemon today")

    home.run("daemon", "start")
    link = SessionLink(paths(home).socket, paths(home).log, FIELDS, failing)
    token = link.open()["token"]
    home.kill()
    assert exhausted.wait(20)
    home.run("daemon", "start")
    until(lambda: link.opened["port"] == ask(home, "ping")["port"], "the session is open again")

    assert link.opened["token"] == token
    assert len(tried) == 5
    assert link.total()["requests"] == 0


def test_a_session_that_ends_while_its_line_is_down_is_over(home: Home) -> None:
    """Another daemon let it in again before the link did: it stays with nobody, nor its token."""
    held, tried = threading.Event(), threading.Event()

    def slow(*_: Path) -> Message:
        tried.set()
        held.wait(60)
        raise DaemonUnreachable("too late")

    home.run("daemon", "start")
    link = SessionLink(paths(home).socket, paths(home).log, FIELDS, slow)
    link.open()
    home.kill()
    assert tried.wait(20)
    home.run("daemon", "start")
    assert [each["id"] for each in ask(home, "status")["sessions"]] == [FIELDS["session"]]

    assert link.total()["requests"] == 0
    until(lambda: ask(home, "status")["sessions"] == [], "the session is over")
    held.set()


def test_a_session_that_is_over_starts_nothing(home: Home) -> None:
    """After `total` the daemon may die: nobody brings it back."""
    started: list[Path] = []

    def counted(socket: Path, _: Path) -> Message:
        started.append(socket)
        return {}

    home.run("daemon", "start")
    link = SessionLink(paths(home).socket, paths(home).log, FIELDS, counted)
    link.open()
    link.total()
    home.kill()
    until(lambda: "s_link" not in [t.name for t in threading.enumerate()], "the link let go")

    assert started == []
