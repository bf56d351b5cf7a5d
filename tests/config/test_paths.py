"""Where everything lies: under one folder, in the platform's own, and never anybody else's."""

import os
import stat
from pathlib import Path

import pytest

from agentspend.config import paths
from agentspend.config.paths import MAX_SOCKET_BYTES, Paths
from agentspend.core.errors import AgentspendError


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system on which a socket's path may be long, as the tests' own folders are."""
    monkeypatch.setattr(paths, "MAX_SOCKET_BYTES", 1_000)


def test_one_folder_holds_everything(tmp_path: Path, roomy: None) -> None:
    """`AGENTSPEND_HOME` moves configuration, ledger, lock, keys, socket and log together."""
    found = Paths.find({"AGENTSPEND_HOME": str(tmp_path)})
    assert found.config == tmp_path / "config.toml"
    assert found.ledger == tmp_path / "ledger.db"
    assert found.lock == tmp_path / "ledger.lock"
    assert found.device_key == tmp_path / "device.key"
    assert found.socket == tmp_path / "run" / "control.sock"
    assert found.scratch == tmp_path / "run" / "sessions"
    assert found.log == tmp_path / "daemon.log"
    assert found.price_table("") is None
    assert found.price_table("ab" * 32) == tmp_path / "prices-abababababababab.json"


def test_a_home_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` and a relative folder mean what a shell would mean by them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert Paths.find({"AGENTSPEND_HOME": "~/spend"}).data == tmp_path / "spend"
    assert Paths.find({"AGENTSPEND_HOME": "spend"}).data == tmp_path / "spend"


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desktop's folders, all inside the test's own."""
    monkeypatch.delenv("AGENTSPEND_HOME", raising=False)
    monkeypatch.setattr(paths, "MAX_SOCKET_BYTES", 1_000)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, folder in [("CONFIG", "etc"), ("DATA", "share"), ("STATE", "state")]:
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / folder))
    return tmp_path


@pytest.mark.skipif("sys.platform != 'linux'", reason="the XDG folders are Linux's")
def test_the_platforms_own_folders(platform: Path) -> None:
    """Without a home the XDG folders are used."""
    found = Paths.find()
    assert found.config == platform / "etc" / "agentspend" / "config.toml"
    assert found.ledger == platform / "share" / "agentspend" / "ledger.db"
    assert found.log.is_relative_to(platform / "state" / "agentspend")
    assert found.socket == platform / "share" / "agentspend" / "run" / "control.sock"


@pytest.mark.parametrize("runtime", ["", "/nonexistent", "/tmp"])
def test_the_socket_is_where_every_shell_finds_it(
    platform: Path, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    """cron and ssh have another runtime folder, or none: the socket does not depend on it."""
    before = Paths.find()
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    assert Paths.find() == before


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    """A home too deep for a socket keeps its ledger, and its socket moves, always to one place."""
    deep = tmp_path / ("d" * MAX_SOCKET_BYTES)
    first, second = (Paths.find({"AGENTSPEND_HOME": str(deep)}) for _ in range(2))
    other = Paths.find({"AGENTSPEND_HOME": str(deep / "other")})
    assert first.data == deep
    assert first.run == second.run != other.run
    assert len(os.fsencode(first.socket)) <= MAX_SOCKET_BYTES


def test_the_last_length_that_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket's path is counted in bytes, and moves only when it must."""
    room = 20
    whole = len(os.fsencode(tmp_path / ("d" * room) / "run" / "control.sock"))
    monkeypatch.setattr(paths, "MAX_SOCKET_BYTES", whole)
    fits = tmp_path / ("d" * room)
    assert Paths.find({"AGENTSPEND_HOME": str(fits)}).run == fits / "run"
    wide = tmp_path / ("ü" * room)
    assert Paths.find({"AGENTSPEND_HOME": str(wide)}).run != wide / "run"


def test_folders_are_made_for_their_owner_only(tmp_path: Path, roomy: None) -> None:
    """What does not exist is made 0700."""
    found = Paths.find({"AGENTSPEND_HOME": str(tmp_path / "new")})
    found.make()
    found.make()
    for folder in (found.data, found.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_run_folder_open_to_others_is_refused(tmp_path: Path, roomy: None) -> None:
    """A socket's folder that others may enter is refused, with the command that closes it."""
    found = Paths.find({"AGENTSPEND_HOME": str(tmp_path)})
    found.run.mkdir(mode=0o755)
    found.run.chmod(0o755)
    with pytest.raises(AgentspendError, match="is open to other users") as raised:
        found.make()
    assert raised.value.hint.startswith(f"chmod 700 {found.run}")


def test_a_run_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in /tmp that another user made first is not used."""
    found = Paths.find({"AGENTSPEND_HOME": str(tmp_path)})
    monkeypatch.setattr(os, "getuid", lambda: 4_711)
    with pytest.raises(AgentspendError, match="is open to other users"):
        found.make()


def test_a_run_folder_that_is_a_link_is_refused(tmp_path: Path, roomy: None) -> None:
    """A link in its place, even to a folder of our own, is not followed."""
    found = Paths.find({"AGENTSPEND_HOME": str(tmp_path / "home")})
    found.data.mkdir()
    (tmp_path / "mine").mkdir(mode=0o700)
    found.run.symlink_to(tmp_path / "mine")
    with pytest.raises(AgentspendError, match="is a link"):
        found.make()


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    """A file in the way is named, with the way out."""
    (tmp_path / "file").write_text("")
    with pytest.raises(AgentspendError, match="cannot be made") as raised:
        Paths.find({"AGENTSPEND_HOME": str(tmp_path / "file" / "home")}).make()
    assert "AGENTSPEND_HOME" in raised.value.hint
