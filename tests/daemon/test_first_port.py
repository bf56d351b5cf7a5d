"""A new home on a machine where the port is taken: the next free one, for good, and said once."""

import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentspend.config.load import Loaded, load_with_zone
from agentspend.control import client, start
from agentspend.daemon.first_port import settle_port
from tests.daemon.helpers import paths
from tests.support.process import Home

TAKEN = Path(__file__).with_name("taken_port.py")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def meaning(home: Home, port: int, text: str = "") -> Loaded:
    """What the file says, where the port that is meant without a word is this one."""
    home.config.write_text(text)
    loaded = load_with_zone(paths(home))
    return replace(loaded, config=replace(loaded.config, port=port))


def test_the_next_free_one_is_written_down(home: Home, taken: int) -> None:
    """Everything else in the file stays."""
    text = '# mine\n[daemon]\nzone = "UTC"\n\n[admission]\nwait_s = 3\n'
    found, told = settle_port(paths(home), meaning(home, taken, text))
    port = found.config.port
    assert port != taken
    assert told == f"port {taken} is taken, so yours is {port} (kept in {home.config})"
    assert home.config.read_text() == text.replace('"UTC"\n', f'"UTC"\nport = {port}\n')


def test_what_stays(home: Home, taken: int) -> None:
    """A free port, one that is configured, and that of a home which gave its address away."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        free = found.getsockname()[1]
    for port, text, ledger in (
        (free, "", False), (taken, f"[daemon]\nport = {taken}\n", False), (taken, "", True),
    ):  # fmt: skip
        if ledger:
            paths(home).ledger.touch()
        loaded = meaning(home, port, text)
        assert settle_port(paths(home), loaded) == (loaded, "")
        assert home.config.read_text() == text


def test_a_second_person_on_a_machine(
    home: Home, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their first command says which port is theirs; the next daemon has it, too."""
    home.config.unlink()
    heard: list[str] = []
    real = start.subprocess.Popen

    def spawn(words: list[str], **settings: Any) -> object:
        return real([sys.executable, str(TAKEN), str(taken), *words[-2:]], **settings)

    monkeypatch.setattr(client, "tell", lambda text, _: heard.append(text))
    monkeypatch.setenv("AGENTSPEND_HOME", str(home.home))
    found = paths(home)
    with monkeypatch.context() as first:
        first.setattr(start.subprocess, "Popen", spawn)
        port = start.start_daemon(found.socket, found.log)["port"]
    assert heard == [f"port {taken} is taken, so yours is {port} (kept in {home.config})"]
    start.stop_daemon(found.socket)
    assert home.run("daemon", "start").stderr.endswith(f"port {port}\n")
