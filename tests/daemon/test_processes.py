"""Processes: who is at the end of a connection, and whether a process is still the same one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Payer
from agentspend.daemon.peer import Peer
from agentspend.daemon.persons import insiders, no_agent
from agentspend.daemon.processes import born_us, client_pid, connects_to, folder_of, same_process
from agentspend.proxy.sessions import Session, Sessions

ME = os.getpid()
NOBODY = 2**22 + 1


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """A connection of this process's: its own end's port, and the port it goes to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        our_port = int(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", our_port)) as client:
            yield int(client.getsockname()[1]), our_port


def caller() -> Any:
    """A command of this very process's."""
    return cast("Any", SimpleNamespace(peer=Peer(ME, os.getuid())))


def test_who_is_at_the_end_of_a_connection(ports: tuple[int, int]) -> None:
    """By both ports; a connection that is not there is nobody's."""
    port, our_port = ports
    assert client_pid(port, our_port) == ME
    assert client_pid(port, 1) == 0
    assert connects_to(ME, our_port)
    assert not connects_to(ME, 1)
    assert not connects_to(NOBODY, our_port)


def test_a_child_that_was_forked_a_moment_ago_is_not_the_client(
    ports: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds its parent's connections until it runs a program; it may be gone when asked."""
    port, our_port = ports
    seen = [NOBODY]

    def table(kind: str) -> list[Any]:
        laddr, raddr = SimpleNamespace(port=port), SimpleNamespace(port=our_port)
        return [SimpleNamespace(laddr=laddr, raddr=raddr, pid=pid) for pid in seen]

    monkeypatch.setattr(psutil, "net_connections", table)
    monkeypatch.setattr(sys, "platform", "linux")
    child = os.fork()
    if child == 0:
        signal.pause()
    try:
        assert client_pid(port, our_port) == 0
        seen.append(child)
        assert connects_to(child, our_port)
        assert client_pid(port, our_port) == ME
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_where_a_process_works(tmp_path: Path) -> None:
    """Its folder; nobody's is nowhere."""
    assert folder_of(ME) == str(Path.cwd())
    assert (folder_of(NOBODY), folder_of(0)) == ("", "")


def test_a_process_is_itself_until_it_ends() -> None:
    """A later one of its number is another."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    since_us = born_us(child.pid)
    assert same_process(child.pid, since_us)
    assert not same_process(child.pid, since_us - 60_000_000)
    child.communicate(b"\n")
    assert not same_process(child.pid, since_us)
    assert (born_us(NOBODY), born_us(0)) == (0, 0)


def test_whoever_has_a_connection_to_us_is_a_client(ports: tuple[int, int]) -> None:
    """Whatever is known of sessions: what it starts may loosen nothing."""
    _, our_port = ports
    with pytest.raises(AgentspendError, match="an agent may not raise"):
        no_agent(caller(), Sessions(), our_port, "raise")
    no_agent(caller(), Sessions(), 1, "raise")


def test_only_a_client_that_still_runs_has_an_inside() -> None:
    """A number that another process has by now makes nobody an agent."""
    sessions = Sessions()
    sessions.open(Session("gone", Payer(), "t1", pid=ME, born_us=1, key=1))
    sessions.open(Session("unknown", Payer(), "t2", key=1))
    assert insiders(sessions) == []
    no_agent(caller(), sessions, 1, "raise")
    sessions.open(Session("here", Payer(), "t3", pid=ME, born_us=born_us(ME), key=1))
    assert [each.id for each in insiders(sessions)] == ["here"]
    with pytest.raises(AgentspendError):
        no_agent(caller(), sessions, 1, "raise")
