"""The server's folder: made once, for its owner only, and never served in the clear."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentspend.core.errors import AgentspendError, ConfigError
from sync_server.folder import Folder, Settings, create, is_loopback
from tests.sync_server.house import house_in, served
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
    assert folder.address().pin == token.partition(".")[2]


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    """A second `init` changes nothing."""
    folder, _ = made(tmp_path)
    key = (folder.path / "signing.key").read_text()
    with pytest.raises(AgentspendError, match="already"):
        made(tmp_path)
    assert (folder.path / "signing.key").read_text() == key


def test_nothing_is_spoken_in_the_clear_off_this_machine(tmp_path: Path) -> None:
    """Without a certificate a server listens on loopback, or not at all."""
    clear = replace(SETTINGS, certificate="", key="")
    with pytest.raises(ConfigError, match="in the clear"):
        made(tmp_path, clear)
    folder, token = made(tmp_path, replace(clear, listen="127.0.0.1"))
    assert "." not in token
    text = (folder.path / "server.toml").read_text().replace("127.0.0.1", "0.0.0.0")
    (folder.path / "server.toml").write_text(text)
    with pytest.raises(ConfigError, match="in the clear"):
        folder.settings()
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
    folder, _ = made(tmp_path)
    (folder.path / "server.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        folder.settings()


def test_what_is_taken_of_a_device_stands_in_the_settings(tmp_path: Path) -> None:
    """200,000 entries a day, where nobody says otherwise."""
    folder, _ = made(tmp_path)
    with folder.open() as service:
        assert service.entries_per_day == 200_000
    with (folder.path / "server.toml").open("a") as file:
        file.write("entries_per_day = 0\n")
    with folder.open() as service:
        assert service.entries_per_day == 0


def test_a_folder_without_a_server_says_what_to_do(tmp_path: Path) -> None:
    """It names the command that makes one."""
    with pytest.raises(ConfigError) as error:
        Folder(tmp_path).settings()
    assert "init" in error.value.hint


async def test_two_servers_cannot_share_a_folder(tmp_path: Path) -> None:
    """The second one says so; what the first decided is there after a restart."""
    async with house_in(tmp_path) as house:
        await house.ask("team.create", team="Backend")
        with pytest.raises(AgentspendError, match="another server"), house.folder.open():
            pass
    async with served(house.folder, house.token, house.now) as again:
        assert [each["team"] for each in (await again.ask("team.list"))["teams"]] == ["backend"]
        assert (await again.ask("verify"))["ok"]
