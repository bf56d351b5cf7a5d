"""A folder is open for one server at a time, by what its settings say."""

from pathlib import Path

import pytest

from agentspend.core.errors import AgentspendError
from sync_server.folder import Settings
from sync_server.founding import create
from sync_server.open_folder import address_of, alone, opened
from tests.sync_server.house import house_in, served
from tests.sync_server.office import NOON_US

SETTINGS = Settings("Acme", "http://localhost:4747", "127.0.0.1", 4747, "", "", "")


def test_what_is_taken_of_a_device_stands_in_the_settings(tmp_path: Path) -> None:
    """200,000 entries a day, where nobody says otherwise."""
    folder, _ = create(tmp_path / "server", SETTINGS, "UTC", NOON_US)
    with opened(folder) as service:
        assert service.entries_per_day == 200_000
    with (folder.path / "server.toml").open("a") as file:
        file.write("entries_per_day = 0\n")
    with opened(folder) as service:
        assert service.entries_per_day == 0
    assert (address_of(folder).url, address_of(folder).pin) == (SETTINGS.url, "")


async def test_two_servers_cannot_share_a_folder(tmp_path: Path) -> None:
    """The second one says so, and nothing is restored under a server; what the first decided is
    there after a restart."""
    async with house_in(tmp_path) as house:
        await house.ask("team.create", team="Backend")
        for second in (opened(house.folder), alone(house.folder)):
            with pytest.raises(AgentspendError, match="another server"), second:
                pass
    async with served(house.folder, house.token, house.now) as again:
        assert [each["team"] for each in (await again.ask("team.list"))["teams"]] == ["backend"]
        assert (await again.ask("verify"))["ok"]
