"""A server's folder is made once, for its owner only."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentspend.core.errors import AgentspendError, ConfigError
from sync_server.folder import Folder, Settings
from sync_server.founding import create
from sync_server.open_folder import address_of
from tests.sync_server.office import NOON_US

SETTINGS = Settings("Acme", "https://spend.acme.example:4747", "0.0.0.0", 4747, "")


def made(tmp_path: Path, settings: Settings = SETTINGS) -> tuple[Folder, str]:
    """A folder as `init` makes it."""
    return create(tmp_path / "server", settings, "Europe/Berlin", NOON_US)


def test_everything_is_its_owners_alone(tmp_path: Path) -> None:
    """Keys are 0600 in a folder of 0700; the token stands nowhere."""
    folder, token = made(tmp_path)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    for name in ("server.key", "signing.key", "server.toml", "journal"):
        assert (folder.path / name).stat().st_mode & 0o777 == 0o600, name
    secret = token.partition(".")[0].encode()
    assert all(secret not in path.read_bytes() for path in folder.path.iterdir())
    assert folder.settings() == SETTINGS
    assert address_of(folder).pin == token.partition(".")[2]


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    """A second `init` changes nothing."""
    folder, _ = made(tmp_path)
    key = (folder.path / "signing.key").read_text()
    with pytest.raises(AgentspendError, match="already"):
        made(tmp_path)
    assert (folder.path / "signing.key").read_text() == key


def test_nothing_is_made_that_would_speak_in_the_clear(tmp_path: Path) -> None:
    """Without a certificate there is a server for this machine, whose token has no pin."""
    clear = replace(SETTINGS, certificate="", key="")
    with pytest.raises(ConfigError, match="in the clear"):
        made(tmp_path, clear)
    assert not (tmp_path / "server").exists()
    _, token = made(tmp_path, replace(clear, listen="127.0.0.1"))
    assert "." not in token
