"""The invariants that are about state: I2, I2b, I3, and the sums a pool keeps."""

from typing import TYPE_CHECKING

from agentspend.core.allowance.messages import Status
from tests.simulation.team.truth import Violation

if TYPE_CHECKING:
    from tests.simulation.team.machine import Machine
    from tests.simulation.team.world import World


def everything(world: "World") -> None:
    """Every invariant that can be seen from outside at any moment."""
    for machine in world.machines:
        if not machine.gone:
            _device(world, machine)
    _sums(world)


def _device(world: "World", machine: "Machine") -> None:
    """I2, I2b: rights are never passed nor invented. I3: the server has a prefix."""
    disk = machine.disk
    inc = disk.standing.inc
    known = world.server.database.accounts.get(inc, {})
    for place, account in disk.accounts.items():
        rights = account.used_nusd + account.returned_nusd + account.held_nusd
        over = world.truth.overrun.get((inc, place), 0)
        if not account.closed and rights > account.granted_nusd + over:
            raise Violation(f"I2: {inc} in {place} uses more than it was granted: {account}")
        server_side = known.get(place)
        granted = server_side.granted_nusd if server_side else 0
        if account.granted_nusd > granted:
            raise Violation(f"I2b: {inc} in {place} believes in a grant of {account.granted_nusd},"
                            f" the server wrote {granted}")  # fmt: skip
    record = world.server.database.incs.get(inc)
    if inc not in world.twinned and not _doubtful(machine):
        hashes = world.server.database.hashes.get(inc, [""])
        if record is None or record.status is Status.FORKED:
            raise Violation(f"I3: the server does not stand by the ledger {inc} of {machine.name}")
        if hashes != disk.hashes[: len(hashes)]:
            raise Violation(f"I3: the server's chain of {inc} is not a prefix of the device's")
        if disk.standing.acked_seq > len(disk.bodies):
            raise Violation(f"I3: {inc} is acknowledged beyond its end")


def _doubtful(machine: "Machine") -> bool:
    return machine.disk.standing.state.value == "doubt"


def _sums(world: "World") -> None:
    """The sums a pool keeps are the sums of its accounts."""
    database = world.server.database
    committed = dict.fromkeys(database.pools, 0)
    running = dict.fromkeys(database.pools, 0)
    past = dict.fromkeys(database.pools, 0)
    for accounts in database.accounts.values():
        for place, account in accounts.items():
            if place.window == database.pools[place.pool].window:
                committed[place.pool] += account.committed_nusd
                running[place.pool] += account.outstanding_nusd
            else:
                past[place.pool] += account.outstanding_nusd
    for name, pool in database.pools.items():
        counted = (committed[name], running[name], past[name])
        if counted != (pool.committed_nusd, pool.outstanding_nusd, pool.past_nusd):
            raise Violation(f"I6: {counted} counted in {name}, and it keeps {pool}")
