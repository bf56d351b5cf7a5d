"""What is in flight when pools come, and that many pools cost nobody any time."""

from agentspend.bookkeeper.pools import in_flight, pool_of
from agentspend.bookkeeper.rights import Rights
from agentspend.core.allowance.accounts import Place
from agentspend.core.allowance.messages import Told
from agentspend.core.allowance.pools import Pool
from agentspend.core.scopes import Payer
from tests.bookkeeper.conftest import Desk
from tests.bookkeeper.test_team import API, ELSEWHERE, USD, hear, join


def test_old_windows_and_many_pools_cost_no_time(desk: Desk) -> None:
    """Windows that are over are not gone through at each answer, nor is each request in flight
    looked at for each pool: those of one project are one."""
    join(desk, API)
    for day in range(5):
        hear(desk, *(Told("api", each, USD) for each in range(739_000, 739_001 + day)))
    assert list(Rights(desk.conn, "i_team")) == [Place("api", 739_004)]
    assert Rights(desk.conn, "i_team")[Place("api", 739_000)].closed

    for _ in range(4):
        desk.hold(desk.request("0.01", 1, comfort=1, floor=1, payer=ELSEWHERE))
    pools = [pool_of({**API, "id": f"p{each}"}) for each in range(3)]
    looked: list[str] = []

    def counts_in(pool: Pool, payer: Payer) -> bool:
        looked.append(pool.id)
        return pool.id == "p1"

    found = list(in_flight(desk.conn, "i_team", pools, counts_in))
    assert (looked, [pool.id for pool, _ in found]) == (["p0", "p1", "p2"], ["p1"] * 4)
