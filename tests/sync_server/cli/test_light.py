"""What a command loads: all of the server only where it opens the folder itself."""

import asyncio
from pathlib import Path

import pytest

from tests.support.loading import loaded_by, packages
from tests.sync_server.cli.test_seat import elsewhere
from tests.sync_server.house import House

HEAVY = {"aiohttp", "alembic", "asyncio", "cryptography", "csv", "msgspec", "psycopg", "rich",
         "secrets", "sqlalchemy", "sqlite3", "tomllib", "uvloop", "zoneinfo"}  # fmt: skip
ROOMS = {"sync_server.acts", "sync_server.allowance", "sync_server.service", "sync_server.store"}
TAB = {"_AGENTSPEND_SERVER_COMPLETE": "complete_bash", "COMP_WORDS": "agentspend-server freeze ",
       "COMP_CWORD": "2"}  # fmt: skip


def heavy(names: set[str]) -> set[str]:
    """What a command loaded that it could do without."""
    assert "sync_server.cli.app" in names
    return (HEAVY & packages(names)) | (ROOMS & names)


@pytest.mark.parametrize(
    "words",
    [("--version",), ("--help",), ("team", "create", "--help"), ("teem",), ("org", "show")],
    ids=" ".join,
)  # fmt: skip
def test_what_asks_nobody_loads_not_even_http(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Help, the version, a typo; nor where there is no server."""
    names = loaded_by(*words, home=tmp_path, of="sync_server")
    assert heavy(names) | ({"http.client", "ssl"} & names) == set()


async def test_asking_a_running_server_loads_nothing_of_it(house: House, tmp_path: Path) -> None:
    """Beside it, from afar, at a tab: half a second of a shell's time, otherwise."""
    own, asked = house.folder.path, ("team", "list", "--json")
    for home, words, env in (
        (own, asked, {}),
        (own, ("team", "create", "Data"), {}),
        (own, (), TAB),
        (tmp_path, asked, elsewhere(house)),
        (tmp_path, (), {**TAB, **elsewhere(house)}),
    ):
        names = await asyncio.to_thread(loaded_by, *words, home=home, of="sync_server", **env)
        assert "sync_server.cli.talking" in names
        assert heavy(names) == set(), (home, words)


def test_the_folder_itself_takes_all_of_it(initialised: Path) -> None:
    """So it would be seen."""
    names = loaded_by("team", "list", "--json", home=initialised, of="sync_server")
    assert heavy(names) >= {"sqlalchemy", "msgspec", *ROOMS}
