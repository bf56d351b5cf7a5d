"""A new home on a machine where the port is taken: the next free one, for good, and said once."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from agentspend.config.load import Loaded, load_with_zone
from agentspend.config.shape import DEFAULT_PORT
from agentspend.daemon.first_port import settle_port
from tests.daemon.helpers import paths
from tests.support.process import Home


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


def test_a_second_person_on_a_machine(home: Home) -> None:
    """Their first command says which port is theirs; it is the same after a restart."""
    home.config.unlink()
    with socket.socket() as other:
        with suppress(OSError):
            other.bind(("127.0.0.1", DEFAULT_PORT))
            other.listen()
        started = home.run("daemon", "start")
        port = home.json("daemon", "status")["port"]
        again = home.run("daemon", "restart")
    assert started.returncode == 0, started.stderr
    assert f"port {DEFAULT_PORT} is taken, so yours is {port} " in started.stderr
    assert again.stderr.endswith(f"port {port}\n")
