"""Seeded mistakes (protocol study §2.12): each a small change of one rule, each must be caught.

Twelve are the study's own, in the shape they take with a journal of decisions: "restore without
freeze" is here "restore without the journal", "no server fencing" is "an old server still writes".
The others are mistakes that several pools and windows make possible.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from agentspend.core.allowance import hearing
from agentspend.core.allowance.accounts import EMPTY, Account, Place
from agentspend.core.allowance.device import Device, Draft, Short
from agentspend.core.allowance.effects import Right
from agentspend.core.allowance.messages import Status
from agentspend.core.allowance.standing import Pending, Standing
from sync_server.allowance import desk, grants, incarnations, pools
from sync_server.allowance.case import Case
from sync_server.allowance.intake import Found
from sync_server.allowance.pools import PoolState
from sync_server.allowance.sizing import Sizing
from tests.simulation.team import device_steps, office, server_steps
from tests.simulation.team.office import Server

Plant = AbstractContextManager[Any]


def delta_grants() -> Plant:
    """The device adds up what it is told, instead of taking the larger number."""

    def told(device: Device, accounts: Sequence[Any]) -> dict[Place, int]:
        more = []
        for each in accounts:
            before = device.accounts.get(Place(each.pool, each.window), EMPTY)
            more.append(replace(each, granted_nusd=before.granted_nusd + each.granted_nusd))
        return shipped(device, more)

    shipped = hearing._told
    return mock.patch.object(hearing, "_told", told)


def grant_ignores_pool() -> Plant:
    """What is available in the pool is not looked at."""
    shipped = grants.grant_nusd

    def grant(account: Account, pool: PoolState, *rest: Any) -> int:
        return shipped(account, replace(pool, cap_nusd=pool.cap_nusd + 1_000), *rest)

    return mock.patch.object(grants, "grant_nusd", grant)


def own_caps_bound_too_much() -> Plant:
    """What lies on devices of a cap of their own does not count as what they can spend."""
    shipped = grants.bound_nusd

    def bound(pool: PoolState, own: Sequence[PoolState], sizing: Sizing) -> int | None:
        return shipped(pool, [replace(each, outstanding_nusd=0) for each in own], sizing)

    return mock.patch.object(grants, "bound_nusd", bound)


def no_hold() -> Plant:
    """A request leaves with its rights checked and not taken."""
    return mock.patch.object(Device, "_hold")


def recovery_charges_nothing() -> Plant:
    """Open holds are released after a crash."""

    def recover(device: Device) -> list[tuple[str, Draft]]:
        for rid in list(device.holds):
            device.release(rid)
        return []

    return mock.patch.object(Device, "recover", recover)


def no_holdback() -> Plant:
    """A new window starts with its whole cap."""
    return mock.patch.object(PoolState, "holdback_nusd", 0)


def late_is_free() -> Plant:
    """What was spent with old rights stops counting once it is reported."""
    return mock.patch.object(pools, "_late_nusd", return_value=0)


def past_is_free() -> Plant:
    """What is outstanding in earlier windows is not held back."""
    late = property(lambda pool: pool.late_nusd)
    return mock.patch.object(PoolState, "holdback_nusd", late)


def restore_without_journal() -> Plant:
    """A restored server believes its backup."""

    def catch_up(server: Server) -> None:
        server.database.position = len(server.journal.lines)

    return mock.patch.object(Server, "catch_up", catch_up)


def grants_are_not_journaled() -> Plant:
    """Grants are committed and answered, and the journal never hears of them."""
    shipped = office.serve
    return mock.patch.object(office, "serve", lambda *words: replace(shipped(*words), journal=()))


def an_old_server_writes() -> Plant:
    """A server that was replaced goes on granting out of its own database."""
    return mock.patch.object(office, "may_write", return_value=True)


def clone_keeps_rights() -> Plant:
    """A ledger does not notice that it lives elsewhere."""

    def opened(device: Device, identity: str) -> None:
        device.standing.identity = identity

    return mock.patch.object(device_steps, "opened", opened)


def clone_shares_hello() -> Plant:
    """A copy takes the answer to a question its original asked."""

    def adopted(standing: Standing) -> None:
        if standing.pending is not None:
            standing.pending = Pending(standing.pending.nonce, standing.identity)

    def to_hello(device: Device, *words: Any, **named: Any) -> Any:
        adopted(device.standing)
        return hearing.to_hello(device, *words, **named)

    def welcomed(standing: Standing, welcome: Any) -> Any:
        adopted(standing)
        return hearing.welcomed(standing, welcome)

    return _all(
        mock.patch.object(device_steps, "to_hello", to_hello),
        mock.patch.object(device_steps, "welcomed", welcomed),
    )


def reply_before_commit() -> Plant:
    """The server answers and then dies with nothing written."""
    return mock.patch.object(Server, "reply_first", new=True)


def send_before_commit() -> Plant:
    """A return is sent and then lost with the machine, which goes on spending the rights."""
    shipped = device_steps.give_back

    def give_back(world: Any, machine: Any, keep: Mapping[Place, int]) -> None:
        before = machine.disk.copy()
        shipped(world, machine, keep)
        device_steps.sync(world, machine)
        if machine.disk.end != before.end and world.rng.random() < 0.3:
            machine.disk = before

    return mock.patch.object(device_steps, "give_back", give_back)


def reclaim_by_time() -> Plant:
    """Rights of a device that is silent come back by themselves."""

    def reclaim(world: Any) -> None:
        for machine in world.machines:
            inc = machine.disk.standing.inc
            case: Case = world.server.database.case(inc)
            if not machine.awake:
                for place, account in list(case.accounts.items()):
                    case.put(place, replace(account, closed=True))

    return mock.patch.dict(server_steps.STEPS, {"write_off": reclaim})


def holds_in_one_pool() -> Plant:
    """A request is held in the first pool it matches."""
    shipped = Device.reserve

    def reserve(device: Device, rid: str, names: Sequence[str], nusd: int) -> Short | None:
        return shipped(device, rid, names[:1], nusd)

    return mock.patch.object(Device, "reserve", reserve)


def asks_the_roomiest_pool() -> Plant:
    """One pool with room is enough."""
    shipped = Device.reserve

    def reserve(device: Device, rid: str, names: Sequence[str], nusd: int) -> Short | None:
        if all(name in device.standing.windows for name in names):
            rich = any(device.free_nusd(name) >= nusd for name in names)
            with mock.patch.object(Device, "free_nusd", return_value=nusd if rich else 0):
                return shipped(device, rid, names, nusd)
        return shipped(device, rid, names, nusd)

    return mock.patch.object(Device, "reserve", reserve)


def settles_in_the_running_window() -> Plant:
    """A request that outlives midnight is charged to the new day."""
    shipped = Device.settle

    def settle(device: Device, rid: str, nusd: int) -> Draft:
        hold = device.holds[rid]
        windows = device.standing.windows
        draft = shipped(device, rid, 0)
        rights = tuple(Right(place.pool, windows[place.pool], nusd) for place in hold.places)
        return device._written(Draft("settle", rights, nusd)) if draft else draft

    return mock.patch.object(Device, "settle", settle)


def closes_with_holds() -> Plant:
    """An account is closed while a request of it is in flight."""
    shipped = Device.close

    def close(device: Device) -> Draft | None:
        held = {place: account.held_nusd for place, account in device.accounts.items()}
        for place, nusd in held.items():
            device.accounts[place] = device.accounts[place].holding(-nusd)
        draft = shipped(device)
        for place, nusd in held.items():
            device.accounts[place] = device.accounts[place].holding(nusd)
        return draft

    return mock.patch.object(Device, "close", close)


def returns_what_is_held() -> Plant:
    """Rights under a hold are given back as if they were free."""
    shipped = Device.give_back

    def give_back(device: Device, keep: Mapping[Place, int]) -> Draft | None:
        less = {place: nusd - device.accounts.get(place, EMPTY).held_nusd
                for place, nusd in keep.items()}  # fmt: skip
        with mock.patch.object(Account, "free_nusd", property(_free_and_held)):
            return shipped(device, less)

    return mock.patch.object(Device, "give_back", give_back)


def _free_and_held(account: Account) -> int:
    rights = account.granted_nusd - account.returned_nusd - account.used_nusd
    return 0 if account.closed else rights


def who_left_keeps() -> Plant:
    """A device is not asked for the rights of a team that its member has left."""
    shipped = grants.told

    def told(case: Case, *words: Any) -> Any:
        return shipped(replace(case, gone=frozenset()), *words)

    return mock.patch.object(grants, "told", told)


def write_off_frees() -> Plant:
    """What is lost is taken as unspent."""
    shipped = incarnations.ranked

    def ranked(case: Case, status: Status) -> None:
        shipped(case, status)
        if status is Status.LOST:
            for place, account in list(case.accounts.items()):
                case.put(place, replace(account, closed=True))

    from sync_server.allowance import replay

    return mock.patch.object(replay, "ranked", ranked)


def caps_are_never_lowered() -> Plant:
    """A lower cap is taken for a higher one that came late."""
    return mock.patch.object(
        PoolState,
        "with_cap",
        lambda pool, nusd: replace(pool, cap_nusd=max(pool.cap_nusd, nusd)),
    )


def windows_stay() -> Plant:
    """A device goes on in the window it knows."""

    def told(device: Device, accounts: Sequence[Any]) -> dict[Place, int]:
        known = dict(device.standing.windows)
        keep = shipped(device, accounts)
        device.standing.windows.update(known)
        return keep

    shipped = hearing._told
    return mock.patch.object(hearing, "_told", told)


def nobody_compares_ledgers() -> Plant:
    """Neither end looks whether its entries are the other's: two ledgers may share a name.

    Each end alone is enough to see a fork, so both are blinded.
    """
    shipped = desk.merge

    def merge(kept: Any, *words: Any) -> Any:
        merged = shipped(kept, *words)
        if merged.found is not Found.FORK:
            return merged
        return replace(merged, found=Found.PROGRESS, end=kept.end, entries=())

    return _all(
        mock.patch.object(desk, "merge", merge),
        mock.patch.object(hearing, "_doubtful", return_value=""),
    )


def _all(*plants: Plant) -> Plant:
    @contextmanager
    def together() -> Iterator[None]:
        with ExitStack() as stack:
            for plant in plants:
                stack.enter_context(plant)
            yield

    return together()


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, and within how many steps it must be caught; `twins` needs thawed machines,
    `teams` members who come and go."""

    plant: Callable[[], Plant]
    steps: int = 60_000
    twins: bool = False
    teams: bool = False


MUTANTS = (
    Mutant(delta_grants),
    Mutant(grant_ignores_pool),
    Mutant(own_caps_bound_too_much, steps=200_000),
    Mutant(no_hold),
    Mutant(recovery_charges_nothing),
    Mutant(no_holdback),
    Mutant(late_is_free, steps=400_000),
    Mutant(past_is_free),
    Mutant(restore_without_journal),
    Mutant(grants_are_not_journaled),
    Mutant(an_old_server_writes),
    Mutant(clone_keeps_rights),
    Mutant(clone_shares_hello, steps=200_000),
    Mutant(reply_before_commit),
    Mutant(send_before_commit),
    Mutant(reclaim_by_time),
    Mutant(holds_in_one_pool),
    Mutant(asks_the_roomiest_pool),
    Mutant(settles_in_the_running_window),
    Mutant(closes_with_holds),
    Mutant(returns_what_is_held),
    Mutant(write_off_frees),
    Mutant(who_left_keeps, teams=True),
    Mutant(caps_are_never_lowered),
    Mutant(windows_stay),
    Mutant(nobody_compares_ledgers, twins=True),
)
