"""The faults stop: after a while everybody must be well again (L1-L4)."""

from typing import TYPE_CHECKING

from agentspend.core.allowance.messages import Status
from agentspend.core.allowance.standing import State
from tests.simulation.team import checks, device_steps, server_steps
from tests.simulation.team.swarm import SHARED
from tests.simulation.team.truth import Violation

if TYPE_CHECKING:
    from tests.simulation.team.machine import Machine
    from tests.simulation.team.world import World

ROUNDS = 60


def heal(world: "World") -> None:
    """A reliable network, everybody awake, no new requests. Raises `Violation`."""
    world.zombie = None
    world.crash = ""
    world.overruns = 0.0
    living = [machine for machine in world.machines if not machine.gone]
    _deliver(world)
    for machine in living:
        machine.awake = True
        device_steps.start(world, machine)
        while machine.running:
            device_steps.finish(world, machine)
    for machine in living if world.teams is not None else []:
        world.joins(machine.device)
    to_send = max(len(machine.disk.bodies) for machine in living) // world.draw.batch
    for _ in range(ROUNDS + to_send):
        for machine in living:
            device_steps.tidy(world, machine)
            device_steps.sync(world, machine)
            _deliver(world)
        if all(_settled(world, machine) for machine in living):
            break
    _write_off(world)
    checks.everything(world)
    _no_two_of_one_name(living)
    for machine in living:
        _well(world, machine)
    _nothing_held_back(world)
    for machine in living:
        if _may_spend(world, machine):
            _nothing_left_behind(world, machine)
            _can_spend(world, machine)


def _deliver(world: "World") -> None:
    """Everything in flight arrives, in order, and what it leads to as well."""
    while world.network.flying:
        world.arrive(world.network.flying.pop(0))


def _write_off(world: "World") -> None:
    """What no machine has any more will not come back by itself."""
    for _ in world.server.database.incs:
        server_steps.write_off(world)


def _status(world: "World", machine: "Machine") -> Status:
    return world.server.database.incs[machine.disk.standing.inc].status


def _may_spend(world: "World", machine: "Machine") -> bool:
    return _status(world, machine) is Status.ACTIVE


def _settled(world: "World", machine: "Machine") -> bool:
    standing = machine.disk.standing
    if standing.acked_seq != machine.disk.end.seq:
        return False
    if standing.state is State.ACTIVE:
        return not any(
            not account.closed and place.window < standing.windows[place.pool]
            for place, account in machine.disk.accounts.items()
        )
    return _status(world, machine) in {Status.REVOKED, Status.LOST} and not any(
        not account.closed for account in machine.disk.accounts.values()
    )


def _well(world: "World", machine: "Machine") -> None:
    """L1: nobody is in doubt. L2: the server has every entry. L3: what is over is closed."""
    disk = machine.disk
    name = f"{machine.name} ({disk.standing.inc})"
    gone = _status(world, machine) in {Status.REVOKED, Status.LOST}
    if disk.standing.state is State.DOUBT:
        if not gone:
            raise Violation(f"L1: {name} is still in doubt: {disk.standing.reason}")
        return
    if world.server.database.hashes[disk.standing.inc] != disk.hashes:
        raise Violation(f"L2: the server has not all entries of {name}")
    for place, account in world.server.database.accounts[disk.standing.inc].items():
        over = place.window < world.server.database.pools[place.pool].window
        if (over or gone) and not account.closed and account.outstanding_nusd:
            raise Violation(f"L3: {name} has not closed {place}: {account}")


def _no_two_of_one_name(living: "list[Machine]") -> None:
    """Twins that have written different things have been told apart."""
    heads: dict[str, set[str]] = {}
    for machine in living:
        if machine.disk.standing.state is State.ACTIVE:
            heads.setdefault(machine.disk.standing.inc, set()).add(machine.disk.end.hash)
    for inc, found in heads.items():
        if len(found) > 1:
            raise Violation(f"I3: {len(found)} different ledgers are called {inc}")


def _nothing_held_back(world: "World") -> None:
    for pool in world.server.database.pools.values():
        if pool.past_nusd:
            raise Violation(f"L3: {pool.past_nusd} of past windows is held back in {pool.id}")


def _nothing_left_behind(world: "World", machine: "Machine") -> None:
    """L5: nothing lies on a device of a team that its member has left."""
    if world.teams is None:
        return
    own = (*SHARED, *world.teams[machine.device])
    for place, account in world.server.database.accounts[machine.disk.standing.inc].items():
        if account.outstanding_nusd and not place.pool.startswith(own):
            raise Violation(f"L5: {machine.name} has left {place} and keeps {account}")


def _can_spend(world: "World", machine: "Machine") -> None:
    """L4: the server gives what there is to a device that needs it, and that its own caps let it
    spend."""
    pools = world.server.database.pools
    own = [machine.rules.free_nusd(name) + max(pools[name].available_nusd, 0)
           for name in world.server.own]  # fmt: skip
    for name in (*machine.pools, *(pool for team in machine.teams for pool in team)):
        pool = pools[name]
        there = machine.rules.free_nusd(name) + max(pool.available_nusd, 0)
        need = there if name in world.server.own else min([there, *own])
        machine.needs = {name: need}
        device_steps.sync(world, machine)
        _deliver(world)
        free = machine.rules.free_nusd(name)
        if free < need:
            raise Violation(f"L4: {machine.name} needs {need} in {name} and has {free}: {pool}")
