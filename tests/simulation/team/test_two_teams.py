"""Members of two teams in the simulation: each request is one team's, and people come and go."""

from collections import Counter
from pathlib import Path

import pytest

from sync_server.allowance.sizing import Sizing
from tests.simulation.team.__main__ import line
from tests.simulation.team.running import holds
from tests.simulation.team.sql_office import SqlServer
from tests.simulation.team.world import history

CHUNK = 25


@pytest.mark.parametrize("first", range(1, 101, CHUNK))
def test_no_cap_is_passed_whichever_team_pays(first: int) -> None:
    """I1-I6 in every pool of both teams and of everybody; when the faults have stopped, nothing
    lies where a member has left (L5), and what there is is had (L4)."""
    found = holds(range(first, first + CHUNK), teams=True)
    counts: Counter[str] = Counter()
    for each in found:
        counts.update(each.counts)
    assert counts["move"] > 0
    assert counts["admitted"] > 0


@pytest.mark.parametrize("seed", range(1, 5))
def test_the_real_server_keeps_the_promise_to_both(tmp_path: Path, seed: int) -> None:
    """Its memberships come back from the journal with everything else."""
    servers: list[SqlServer] = []

    def server(sizing: Sizing) -> SqlServer:
        servers.append(SqlServer(tmp_path, sizing))
        return servers[-1]

    found = history(seed, 700, teams=True, server=server)
    servers[0].stop()
    assert not found.fault, line(found)
