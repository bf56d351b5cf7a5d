"""The same histories against the real server over SQLite and its journal file."""

from pathlib import Path
from unittest import mock

import pytest

from sync_server.allowance.sizing import Sizing
from sync_server.service import Service
from tests.simulation.team.__main__ import line
from tests.simulation.team.sql_office import SqlServer
from tests.simulation.team.world import History, history

STEPS = 700


def on_sqlite(folder: Path, seed: int) -> History:
    """One history in a folder of its own."""
    servers = []

    def server(sizing: Sizing) -> SqlServer:
        servers.append(SqlServer(folder, sizing))
        return servers[-1]

    found = history(seed, STEPS, server=server)
    servers[0].stop()
    return found


@pytest.mark.parametrize("seed", range(1, 9))
def test_the_real_server_keeps_the_promise(tmp_path: Path, seed: int) -> None:
    """Crashes, restores, faults of the network: every invariant, and everybody recovers."""
    found = on_sqlite(tmp_path, seed)
    assert not found.fault, line(found)


def test_a_restore_without_the_journal_is_caught(tmp_path: Path) -> None:
    """The simulation sees what it is there to see, here too."""
    with mock.patch.object(Service, "catch_up"):
        for seed in (8, 10):
            (tmp_path / str(seed)).mkdir()
            if on_sqlite(tmp_path / str(seed), seed).fault:
                return
    pytest.fail("nothing was seen")
