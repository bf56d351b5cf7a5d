"""What happens to computers and what they do. Each step is one function of the world."""

from typing import TYPE_CHECKING

from agentspend.core.allowance.accounts import Place
from agentspend.core.allowance.hearing import answered, opened, to_hello, welcomed
from agentspend.core.allowance.messages import Answer, Welcome
from agentspend.core.allowance.standing import Standing, State
from tests.simulation.team.machine import Disk, Machine, Request

if TYPE_CHECKING:
    from tests.simulation.team.world import World

MOST_MACHINES = 6


def ask(world: "World", machine: Machine) -> None:
    """A request arrives: held, and sent to the provider, or short of rights."""
    rng = world.rng
    if machine.waiting is not None and rng.random() < 0.7:
        pools, bound = machine.waiting
    else:
        pools = (*machine.pools, *(pool for pool in machine.optional if rng.random() < 0.5))
        if machine.teams:
            pools += rng.choice(machine.teams)
        bound = rng.randint(1, world.draw.largest_bound)
    if not pools:
        return
    rid = world.new_id("r")
    short = machine.rules.reserve(rid, pools, bound)
    if short is not None:
        machine.waiting = (pools, bound)
        machine.needs.update(dict.fromkeys(pools, bound))
        if rng.random() < 0.5:
            sync(world, machine)
        return
    world.counts["admitted"] += 1
    machine.needs.clear()
    machine.waiting = None
    inc = machine.disk.standing.inc
    over = rng.randint(1, 20) if rng.random() < world.overruns else 0
    cost = bound + over if over else rng.choice((0, bound, bound, rng.randint(0, bound)))
    windows = machine.disk.standing.windows
    places = tuple(Place(pool, windows[pool]) for pool in pools)
    machine.running[rid] = Request(rid, inc, bound, cost, places)
    machine.burn = min(machine.burn + bound, 200)


def finish(world: "World", machine: Machine) -> None:
    """A response ends: the provider has billed it, and the hold is settled at its true cost."""
    rid = _any_running(world, machine)
    if rid is not None:
        request = machine.running.pop(rid)
        world.bill(request)
        machine.disk.append(machine.rules.settle(rid, request.cost), world.now, rid)
        machine.burn = machine.burn * 3 // 4


def shrink(world: "World", machine: Machine) -> None:
    """The first usage event: the request can cost no more than a part of its hold."""
    rid = _any_running(world, machine)
    if rid is not None:
        request = machine.running[rid]
        amount = max(request.cost, world.rng.randint(0, request.hold))
        machine.rules.shrink(rid, amount)
        request.hold = min(request.hold, amount)


def release(world: "World", machine: Machine) -> None:
    """A client left before anything was sent."""
    rid = _any_running(world, machine)
    if rid is not None and machine.running[rid].cost == 0:
        del machine.running[rid]
        machine.rules.release(rid)


def sync(world: "World", machine: Machine) -> None:
    """Report and ask; or, in doubt, ask for a new incarnation."""
    rules = machine.rules
    hello = to_hello(
        rules, machine.disk, team="t_1", nonce=world.new_id("n"), anchor_sha256="a" * 64
    )
    if hello is not None:
        world.network.send(None, hello)
    report = machine.to_sync(world.draw.batch)
    if report is not None:
        world.network.send(None, report)


def tidy(world: "World", machine: Machine) -> None:
    """Close what is over."""
    draft = machine.rules.close()
    if draft is not None:
        machine.disk.append(draft, world.now)
        if world.rng.random() < 0.5:
            sync(world, machine)


def return_some(world: "World", machine: Machine) -> None:
    """Going to sleep, or idle: return down to a float. Sent at once, after the commit."""
    standing = machine.disk.standing
    keep = {
        Place(pool, window): world.rng.randint(0, 40) for pool, window in standing.windows.items()
    }
    give_back(world, machine, keep)
    sync(world, machine)


def give_back(world: "World", machine: Machine, keep: dict[Place, int]) -> None:
    """R4, in one transaction with its entry."""
    draft = machine.rules.give_back(keep)
    if draft is not None:
        machine.disk.append(draft, world.now)


def hear(world: "World", machine: Machine, message: Answer | Welcome) -> None:
    """A message from the server arrives."""
    if isinstance(message, Answer):
        keep = answered(machine.rules, machine.disk, message)
        if world.teams_of(machine.device) != machine.teams:
            machine.teams, machine.waiting = world.teams_of(machine.device), None
            machine.needs.clear()
        if keep:
            give_back(world, machine, keep)
        if world.rng.random() < 0.7:
            tidy(world, machine)
        return
    standing = welcomed(machine.disk.standing, message)
    if standing is not None:
        if message.in_reply_to in world.asked_twice:
            world.twinned[standing.inc] = world.twinned.get(standing.inc, 0) + 1
        begin(world, machine, standing)


def begin(world: "World", machine: Machine, standing: Standing) -> None:
    """A new ledger; the old one is kept by nobody here."""
    machine.disk = Disk(standing)
    machine.genesis(world.now)
    machine.backup = None if world.rng.random() < 0.5 else machine.backup


def kill(world: "World", machine: Machine) -> None:
    """kill -9: the provider goes on for a while and bills up to the hold, seen by nobody."""
    for request in machine.running.values():
        if world.rng.random() < 0.5:
            request.cost = max(request.cost, request.hold)
        world.bill(request)
    machine.running.clear()
    machine.up = False


def start(world: "World", machine: Machine) -> None:
    """The daemon starts: is this still the place it lived in, and what was left open?"""
    if not machine.up:
        machine.up = True
        opened(machine.rules, machine.identity)
        recover(world, machine)


def recover(world: "World", machine: Machine) -> None:
    """R3."""
    for rid, draft in machine.rules.recover():
        machine.disk.append(draft, world.now, rid, "crash_upper_bound")


def sleep(world: "World", machine: Machine) -> None:
    """The lid is closed: no step, no message, until it is opened again."""
    machine.awake = False


def backup(world: "World", machine: Machine) -> None:
    """A copy of the disk."""
    machine.backup = machine.disk.copy()


def restore(world: "World", machine: Machine) -> None:
    """The disk is replaced by its backup: other files, so another identity."""
    if machine.backup is not None:
        kill(world, machine)
        machine.disk = machine.backup.copy()
        machine.identity = world.new_id("place")
        start(world, machine)


def clone(world: "World", machine: Machine) -> None:
    """A home folder is copied to a new computer, running or not."""
    if len(world.living()) < MOST_MACHINES:
        twin = Machine(
            world.new_id("m"), machine.device, world.new_id("place"), machine.disk.copy(),
            machine.pools, machine.optional, up=False, teams=machine.teams,
        )  # fmt: skip
        world.machines.append(twin)
        start(world, twin)


def snapshot(world: "World", machine: Machine) -> None:
    """A virtual machine is frozen to a file."""
    machine.snapshot = machine.disk.copy()


def resume(world: "World", machine: Machine) -> None:
    """The file is thawed: the same ledger at the same place, once more. Nothing local can tell.

    Either instead of the machine, or beside it.
    """
    frozen = machine.snapshot
    if frozen is None:
        return
    inc = frozen.standing.inc
    world.twinned[inc] = world.twinned.get(inc, 0) + 1
    if frozen.standing.pending is not None:
        world.asked_twice.add(frozen.standing.pending.nonce)
    if world.rng.random() < 0.5 and len(world.living()) < MOST_MACHINES:
        twin = Machine(
            world.new_id("m"), machine.device, machine.identity, frozen.copy(),
            machine.pools, machine.optional, up=False,
        )  # fmt: skip
        world.machines.append(twin)
        start(world, twin)
    else:
        kill(world, machine)
        machine.disk = frozen.copy()
        start(world, machine)


def enrol(world: "World", machine: Machine) -> None:
    """Somebody joins."""
    if len(world.living()) < MOST_MACHINES:
        world.enrol()


def destroy(world: "World", machine: Machine) -> None:
    """A laptop falls into the sea, with what it had in flight."""
    if len(world.living()) > 1:
        kill(world, machine)
        machine.gone = True


def _any_running(world: "World", machine: Machine) -> str | None:
    return world.rng.choice(list(machine.running)) if machine.running else None


def in_doubt(machine: Machine) -> bool:
    """Whether a machine waits for a new incarnation."""
    return machine.disk.standing.state is State.DOUBT


STEPS = {
    "ask": ask, "finish": finish, "shrink": shrink, "release": release, "sync": sync, "tidy": tidy,
    "return_some": return_some, "kill": kill, "sleep": sleep, "backup": backup, "restore": restore,
    "clone": clone, "enrol": enrol,
    "snapshot": snapshot, "resume": resume, "destroy": destroy,
}  # fmt: skip
