"""What happens to the server, and what its lead decides."""

from typing import TYPE_CHECKING

from agentspend.core.allowance.messages import Status
from agentspend.core.allowance.standing import State
from sync_server.allowance.journal import Ranked

if TYPE_CHECKING:
    from tests.simulation.team.machine import Machine
    from tests.simulation.team.world import World


def roll_day(world: "World") -> None:
    """Midnight. Laptops that are asleep do not notice."""
    _roll(world, "day")


def roll_month(world: "World") -> None:
    """Midnight of the last of the month: the day ends too."""
    _roll(world, "day")
    _roll(world, "month")


def _roll(world: "World", window: str) -> None:
    for pool in world.draw.pools:
        if pool.endswith(window):
            world.truth.opens(world.server.opened(pool, roll=True), world.caps[pool])


def cap(world: "World") -> None:
    """A lead raises or lowers a cap."""
    pool = world.rng.choice(world.draw.pools)
    amount = world.draw.caps[pool] * world.rng.choice((0, 4, 6, 8, 10, 10, 10, 10, 15)) // 10
    world.caps[pool] = amount
    world.truth.opens(world.server.opened(pool, cap=amount), amount)


def revoke(world: "World") -> None:
    """Somebody leaves the team: all incarnations of a device are reduced to reporting."""
    machine = world.rng.choice(world.living())
    world.enrol()
    _rank_all(world, machine.device, Status.REVOKED)


def lose(world: "World") -> None:
    """A laptop is said to be lost and is not: what it spends later was already counted."""
    machine = world.rng.choice(world.living())
    world.enrol()
    _rank_all(world, machine.device, Status.LOST)


def move(world: "World") -> None:
    """Somebody comes to a team, or leaves it: its rights are asked back."""
    world.joins(world.rng.choice(world.living()).device)


def write_off(world: "World") -> None:
    """A lead declares as spent what lies on ledgers that no machine has any more."""
    living = {each.disk.standing.inc for each in world.machines if _reports(each)}
    for inc, known in list(world.server.database.incs.items()):
        if inc not in living and known.status is not Status.LOST:
            _lost(world, inc)


def _reports(machine: "Machine") -> bool:
    """Whether a machine will ever say more of its ledger: not one in doubt whom nobody lets in."""
    in_doubt = machine.disk.standing.state is State.DOUBT
    return not machine.gone and not (machine.expelled and in_doubt)


def _rank_all(world: "World", device: str, status: Status) -> None:
    for machine in world.machines:
        machine.expelled = machine.expelled or machine.device == device
    for inc, known in list(world.server.database.incs.items()):
        if known.device == device:
            if status is Status.LOST:
                _lost(world, inc)
            else:
                world.server.decide(Ranked(inc, status))


def _lost(world: "World", inc: str) -> None:
    """Written off. Spending that still comes is on the lead's word, not on the calendar's."""
    for place, account in world.server.database.accounts.get(inc, {}).items():
        if not account.closed:
            world.truth.trusted.add((inc, place))
    world.server.decide(Ranked(inc, Status.LOST))


def server_backup(world: "World") -> None:
    """A copy of the database."""
    world.server_backup = world.server.backup()


def server_restore(world: "World") -> None:
    """The database is lost and comes back from a backup; the journal was elsewhere.

    The old server may still run somewhere, with its own database.
    """
    if world.server_backup is None:
        return
    old = world.server
    world.zombie = old if old.may_haunt and world.rng.random() < 0.5 else None
    world.server = old.restored(world.server_backup)


def server_crash(world: "World") -> None:
    """The next message to the server meets one that dies on it."""
    world.crash = world.rng.choice(("first", "journaled", "after"))


STEPS = {
    "roll_day": roll_day, "roll_month": roll_month, "cap": cap, "revoke": revoke, "lose": lose,
    "write_off": write_off, "server_backup": server_backup, "server_restore": server_restore,
    "server_crash": server_crash, "move": move,
}  # fmt: skip
