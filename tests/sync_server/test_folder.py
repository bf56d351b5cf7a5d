"""The settings of a server's folder: what they may say, and never in the clear off this machine."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentspend.core.errors import ConfigError
from sync_server.folder import Folder, Settings, is_loopback

SETTINGS = Settings("Acme", "https://spend.acme.example:4747", "0.0.0.0", 4747, "")


def written(path: Path, settings: Settings) -> Folder:
    """A folder that has its settings, and nothing else."""
    (path / "server.toml").write_text(settings.text(), "utf-8")
    return Folder(path)


def test_what_init_writes_is_read_again(tmp_path: Path) -> None:
    """Whatever an organisation is called."""
    named = replace(SETTINGS, name='Ac"me \\ Söhne\n\N{SNOWMAN}\N{ROCKET}\x7f\x00')
    assert written(tmp_path, named).settings() == named


def test_nothing_is_spoken_in_the_clear_off_this_machine(tmp_path: Path) -> None:
    """Without a certificate a server listens on loopback, or not at all."""
    clear = replace(SETTINGS, certificate="", key="")
    with pytest.raises(ConfigError, match="in the clear"):
        written(tmp_path, clear).settings()
    own = replace(clear, listen="127.0.0.1")
    assert written(tmp_path, own).settings() == own
    assert [is_loopback(host) for host in ("::1", "localhost", "10.0.0.1", "acme.example")] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = [", "Invalid"),
        ('port = "x"', "port"),
        ("colour = 1", "colour"),
        ("", "missing"),
        ("connections_per_address = -1", "connections_per_address"),
        ("entries_per_day = -1", "entries_per_day"),
        ("entries_per_day = 1.5", "entries_per_day"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    """With what is wrong in it."""
    (tmp_path / "server.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        Folder(tmp_path).settings()


def test_a_folder_without_a_server_says_what_to_do(tmp_path: Path) -> None:
    """It names the command that makes one."""
    with pytest.raises(ConfigError) as error:
        Folder(tmp_path).settings()
    assert "init" in error.value.hint
