"""Whatever can go wrong, done to real processes: each event of the schedule, counted when done."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from random import Random

from agentspend.bookkeeper.rights import Mark
from agentspend.core.errors import AgentspendError
from agentspend.sync.mark import MarkFile
from agentspend.wire.entries import entry_hash
from tests.chaos import schedule
from tests.chaos.device import GONE, KILLED, Device
from tests.chaos.ledgers import Ledger, read_ledger
from tests.chaos.money import PoolOf
from tests.chaos.schedule import Event
from tests.chaos.weather import CALM, STORM, Counted
from tests.chaos.world import CAPS, World

DOUBT_S = 2.5
"""How long a copied or restored home is watched before it may reach the server."""
LULL_S = 3.0
LONGER_S = 4.0
ASKS_S = 25.0
TOP_UPS = 3
LONGEST_UP_S = 6.0
NOTHING_NEW = "home restored to what it was"
UNMARKED = "daemon killed before its mark was written"
TRIES = 8
LEDGER_FILES = ("ledger.db", "ledger.db-wal", "ledger.db-shm")


class Nemesis:
    """Does the events to a world; `done` are those that have ended."""

    def __init__(self, world: World, lasts_s: float) -> None:
        self._world = world
        self._lasts_s = lasts_s
        self._troubled: dict[str, asyncio.Lock] = {}
        self._server_turn = asyncio.Lock()
        self._chance = Random(f"{world.seed} nemesis")
        self._copies = 0
        self.done = 0

    @property
    def _counted(self) -> Counted:
        return self._world.counted

    async def run(self, events: list[Event]) -> None:
        """Do them all at their moments, each beside the others; ends when the last one has."""
        began_s = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            for event in events:
                now_s = asyncio.get_running_loop().time() - began_s
                await asyncio.sleep(max(0.0, event.at_s - now_s))
                tasks.create_task(self._see_through(event))

    async def _see_through(self, event: Event) -> None:
        await self._do(event)
        self.done += 1

    async def _do(self, event: Event) -> None:
        device = self._world.devices[event.device]
        match event.kind:
            case schedule.KILL_SERVER:
                await self._kill_server(event)
            case schedule.KILL_DAEMON:
                async with device.hands:
                    await device.kill()
                self._counted.add(KILLED)
            case schedule.CUT_OFF:
                async with self._trouble(device):
                    await self._cut_off(device, event)
            case schedule.CLONE:
                async with self._trouble(device):
                    await self._clone(device)
            case schedule.RESTORE:
                async with self._trouble(device):
                    await self._restore(device, event)
            case schedule.REPLAY:
                for _ in range(3):
                    self._world.network.play_again()
            case schedule.LULL:
                self._world.network.weather = CALM
                await asyncio.sleep(LULL_S)
                self._world.network.weather = STORM
                self._counted.add(event.kind)
            case schedule.FREEZE:
                await self._for_a_while(event, "freeze", "unfreeze", {"team": "backend"})
            case schedule.VIEWER:
                member = {"member": f"m{event.device}"}
                await self._for_a_while(
                    event, "member.set_role", "member.set_role",
                    {**member, "role": "viewer"}, {**member, "role": "member"},
                )  # fmt: skip
            case schedule.WRITE_OFF:
                await self._write_off(event)
            case schedule.PUT_BACK:
                await self._put_server_back(event)
            case schedule.REQUEST:
                await self._ask_for_more(device, event)
            case _:
                await self._set_cap(event)

    def _trouble(self, device: Device) -> asyncio.Lock:
        """One thing at a time that concerns a device's files or its link."""
        return self._troubled.setdefault(device.name, asyncio.Lock())

    async def _kill_server(self, event: Event) -> None:
        """In the middle of what it does: some milliseconds after a request has reached it.

        On a slow machine it is up for as long as it took to start, at least.
        """
        async with self._server_turn:
            network, server = self._world.network, self._world.server
            network.arrives.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await network.arrives.wait()
            await asyncio.sleep(event.share * 0.015)
            await server.kill()
            self._counted.add(event.kind)
            await asyncio.sleep(self._chance.uniform(0.0, 1.5))
            await server.start()
            await asyncio.sleep(min(server.starts_s[-1], LONGEST_UP_S))

    async def _put_server_back(self, event: Event) -> None:
        """Its database is lost, and comes back from a copy that is some seconds old. PostgreSQL has
        no journal, and so no such copy (docs/team.md)."""
        server, world = self._world.server, self._world
        if server.folder.settings().database:
            return
        self._copies += 1
        copy = world.folder / f"server-{self._copies}.db"
        await server.command("backup", str(copy))
        await asyncio.sleep(LONGER_S * (0.5 + event.share))
        async with self._server_turn:
            await server.kill()
            await server.command("restore", str(copy))
            await server.start()
            await asyncio.sleep(min(server.starts_s[-1], LONGEST_UP_S))
        self._counted.add(event.kind)

    async def _for_a_while(
        self, event: Event, act: str, back: str, what: dict[str, str],
        then: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        """A lead does something, and some seconds later the opposite."""
        server = self._world.server
        try:
            await server.surely(act, **what)
            await asyncio.sleep(LULL_S * (0.5 + event.share))
        finally:
            await server.surely(back, **(then or what))
        self._counted.add(event.kind)

    async def _write_off(self, event: Event) -> None:
        """A lead counts as spent what lies on ledgers that were left behind, wherever any is."""
        server = self._world.server
        for each in (await server.surely("device.list"))["devices"]:
            if each["old_ledgers"]:
                await server.surely("device.write_off", device=each["device"])
                self._counted.add(event.kind)

    async def _cut_off(self, device: Device, event: Event) -> None:
        """For long, with some allowance: it works on that, and reports when it is back."""
        for pool_id, where in CAPS.items():
            cap_nusd = self._world.cashier.allowed.caps[pool_id] + self._world.step_nusd[pool_id]
            await self._world.cashier.set_cap(pool_id, cap_nusd, **where)
        for _ in range(TOP_UPS):
            with suppress(AgentspendError, *GONE):
                await device.ask("team.sync")
        await device.link.cut()
        await asyncio.sleep(self._lasts_s * (0.1 + 0.2 * event.share))
        await device.link.open()
        self._counted.add(event.kind)

    async def _clone(self, device: Device) -> None:
        """Copy a home and run both; the copy must not spend before it has a ledger of its own."""
        self._copies += 1
        name = f"{device.name}c{self._copies}"
        async with device.hands:
            await device.link.cut()
            await device.kill()
            twin = self._world.twin(device, name)
            shutil.rmtree(twin.home.home)
            device.copy_to(twin.home.home)
            twin.configure()
            twin.lived.doubted |= {*device.lived.doubted, read_ledger(twin.home.home).inc}
            await device.start()
        await self._begin_in_doubt(twin, "a cloned home")
        self._world.enters(twin)
        await self._watch_doubt(twin)
        await device.link.open()
        self._counted.add(schedule.CLONE)

    async def _restore(self, device: Device, event: Event) -> None:
        """Put back what a home was some seconds ago, in one of the ways people do it."""
        self._copies += 1
        number = self._copies
        backup = self._world.folder / f"backup-{number}"
        async with device.hands:
            await device.kill()
            device.copy_to(backup)
            await device.start()
        await asyncio.sleep(LONGER_S * (0.5 + event.share))
        async with device.hands:
            await self._kill_marked(device, backup)
            kept = device.copy_to(self._world.folder / f"branch-{number}")
            device.lived.branches.append(kept)
            put_back(backup, device.home.home, event.way)
            device.lived.acked.append([])
            then, now = read_ledger(backup), read_ledger(kept)
            if then.told == now.told and event.way == schedule.OVER:
                await device.start()
                self._counted.add(NOTHING_NEW)
            else:
                device.lived.doubted.add(then.inc)
                await self._begin_in_doubt(device, f"a home restored ({event.way})")
        await self._watch_doubt(device)
        await device.link.open()
        self._counted.add(f"{schedule.RESTORE}: {event.way}")

    async def _kill_marked(self, device: Device, backup: Path) -> None:
        """Cut it off and kill it; again, where all it wrote since the backup was written in its
        last twentieth of a second: so much the mark beside the ledger may lack (`sync.mark`)."""
        then = read_ledger(backup)
        for _ in range(TRIES):
            await device.link.cut()
            await device.kill()
            now, mark = read_ledger(device.home.home), MarkFile(device.victim.paths.ledger).read()
            if then.told == now.told or mark is None or not _has(then, mark):
                return
            self._counted.add(UNMARKED)
            await device.link.open()
            await device.start()
            await asyncio.sleep(LONGER_S)

    async def _begin_in_doubt(self, device: Device, what: str) -> None:
        """Start where nobody can be asked: there must be no rights at all."""
        device.in_doubt = True
        assert await device.start(self._world.projects), "it died while starting"
        found = await device.team()
        free_nusd = [line["free_nusd"] for line in found["pools"]]
        if found["state"] != "doubt" or any(free > 0 for free in free_nusd):
            device.lived.wrong.append(
                f"{what} is {found['state']} and has rights: {free_nusd} ({device.name})"
            )

    async def _watch_doubt(self, device: Device) -> None:
        await asyncio.sleep(DOUBT_S)
        device.in_doubt = False

    async def _set_cap(self, event: Event) -> None:
        """Lower a cap to around what is committed, or raise it by some seconds' worth of work."""
        cashier, pool = self._world.cashier, self._pool(event)
        committed_nusd = await cashier.committed_nusd(pool.id)
        if event.kind == schedule.LOWER:
            cap_nusd = int(committed_nusd * (0.8 + 0.2 * event.share))
        else:
            step_nusd = self._world.step_nusd[pool.id]
            cap_nusd = max(cashier.allowed.caps[pool.id], committed_nusd) + int(
                step_nusd * (0.5 + event.share)
            )
        await cashier.set_cap(pool.id, cap_nusd, **CAPS[pool.id])
        self._counted.add(event.kind)

    async def _ask_for_more(self, device: Device, event: Event) -> None:
        """A developer asks, again and again, until the server has heard it; a lead says yes."""
        amount_nusd = int(self._world.step_nusd["team.backend.day"] * (0.5 + event.share))
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + ASKS_S
        while loop.time() < ends_s:
            with suppress(AgentspendError, *GONE):
                found = await device.ask("team.request", amount_nusd=amount_nusd, reason="chaos")
                await self._world.cashier.approve(str(found["id"]), str(found["pool"]), amount_nusd)
                self._counted.add(event.kind)
                return
            await asyncio.sleep(0.3)

    def _pool(self, event: Event) -> PoolOf:
        pools = list(self._world.pools.values())
        return pools[int(event.share * 1_000) % len(pools)]


def _has(ledger: Ledger, mark: Mark) -> bool:
    """Whether a ledger has the entry that a mark names."""
    bodies = ledger.told.get(mark.inc, [])
    return len(bodies) >= mark.seq and entry_hash(bodies[mark.seq - 1]) == mark.hash


def put_back(backup: Path, home: Path, way: str) -> None:
    """Restore a home from its copy."""
    if way == schedule.ASIDE:
        home.rename(home.with_name(f"{home.name}-before"))
        shutil.copytree(backup, home)
        shutil.rmtree(home.with_name(f"{home.name}-before"))
        return
    for name in LEDGER_FILES:
        here, there = home / name, backup / name
        if way == schedule.ANEW or not there.exists():
            here.unlink(missing_ok=True)
        if there.exists():
            shutil.copyfile(there, here)
