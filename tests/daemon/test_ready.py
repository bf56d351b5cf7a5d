"""The daemon tells systemd how it went, as `sd_notify` says."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.helpers import paths
from tests.support.process import Home


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Where systemd listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.settimeout(30)
        yield end


def begin(home: Home, address: str) -> "subprocess.Popen[bytes]":
    """The service's command, started as systemd starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "agentspend", "daemon", "run"],
        env={**home.env, "NOTIFY_SOCKET": address}, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_ready_when_it_serves_and_not_before(home: Home, manager: socket.socket) -> None:
    """At the word READY the control socket answers; SIGTERM ends it in order."""
    process = begin(home, manager.getsockname())
    assert manager.recv(100) == b"READY=1"
    assert home.pid() == process.pid
    process.terminate()
    assert process.wait(30) == 0


def test_an_abstract_socket_is_known_by_its_sign(home: Home) -> None:
    """systemd's own are such."""
    if sys.platform != "linux":
        pytest.skip("abstract sockets are Linux's")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(f"\0agentspend-{id(end)}")
        end.settimeout(30)
        process = begin(home, f"@agentspend-{id(end)}")
        assert end.recv(100) == b"READY=1"
        process.kill()
        process.wait()


def test_why_it_did_not_start(home: Home, manager: socket.socket) -> None:
    """A bad file, or a daemon that is there already: its words, and an exit code for each."""
    home.config.write_text("[broken")
    process = begin(home, manager.getsockname())
    assert b"is not valid TOML" in manager.recv(1_000)
    assert process.wait(30) == 1
    home.config.write_text("[daemon]\nport = 0\n")
    home.run("daemon", "start")
    process = begin(home, manager.getsockname())
    assert manager.recv(100) == b"STATUS=another daemon keeps this ledger"
    assert process.wait(30) == 3
    assert paths(home).lock.exists()
