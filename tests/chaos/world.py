"""One server, eight devices, a provider and the network between them, all under one folder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from agentspend.core.errors import AgentspendError
from tests.chaos.device import Device
from tests.chaos.load import Agents
from tests.chaos.money import Cashier, PoolOf
from tests.chaos.network import Network
from tests.chaos.server import TeamServer
from tests.chaos.weather import STORM, Counted
from tests.support.process import SandboxProcess
from tests.torture.load import Heard

DEVICES = 8
BACKEND = 5
AGENTS = 2
PAUSE_S = 0.5
PROJECTS = ("atlas", "zephyr")
CENT = 10_000_000
CAPS: dict[str, dict[str, str]] = {
    "org.month": {"level": "org", "window": "month"},
    "team.backend.day": {"level": "team", "name": "backend", "window": "day"},
    "project.atlas.month": {"level": "project", "name": "atlas", "window": "month"},
}
FIRST_NUSD = {
    "org.month": 60 * CENT,
    "team.backend.day": 40 * CENT,
    "project.atlas.month": 30 * CENT,
}
STEP_NUSD = {
    "org.month": 15 * CENT,
    "team.backend.day": 10 * CENT,
    "project.atlas.month": 8 * CENT,
}
"""Less than the load would spend: caps are reached, and reached again after a raise."""
TRIES = 60


class NotBegun(Exception):
    """The team could not be set up: nothing was tested yet."""


@dataclass(slots=True)
class World:
    """Everything there is. `devices` grows by the clones, each with its agents; `made` are all
    whose daemon may run, also where something went wrong before they were of the world."""

    seed: int
    folder: Path
    counted: Counted
    server: TeamServer
    network: Network
    provider: SandboxProcess
    cashier: Cashier
    pools: dict[str, PoolOf]
    plant: str = ""
    projects: tuple[str, ...] = PROJECTS
    step_nusd: dict[str, int] = field(default_factory=lambda: dict(STEP_NUSD))
    devices: list[Device] = field(default_factory=list)
    made: list[Device] = field(default_factory=list)
    agents: list[Agents] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)
    starts: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    keepers: set[asyncio.Task[None]] = field(default_factory=set)
    working: bool = False

    async def join(self, number: int) -> None:
        """One more device joins, as a person types the line of an invite."""
        name = f"d{number}"
        team = "backend" if number < BACKEND else "frontend"
        made = await self.server.ask("member.add", member=f"m{number}", team=team)
        code = str(made["invite"]["join"]).split()[-1]
        link = await self.network.link(name)
        device = self._device(name, link.name)
        assert await device.start()
        for _ in range(TRIES):
            with suppress(AgentspendError):
                await device.ask("team.join", url=link.url, code=code)
                break
            await asyncio.sleep(0.2)
        await device.kill()
        assert await device.start(self.projects)
        self.enters(device)

    def twin(self, device: Device, name: str) -> Device:
        """A home that will be a copy of another's, on the same link."""
        return self._device(name, device.link.name)

    def _device(self, name: str, link: str) -> Device:
        chance = Random(f"{self.seed} {name} device")
        plant = "" if self.plant.startswith("server") else self.plant
        made = Device(
            name, self.folder / name, self.provider.url, self.network.links[link], chance,
            self.counted, self.starts, plant,
        )  # fmt: skip
        self.made.append(made)
        return made

    def enters(self, device: Device) -> None:
        """A device is part of the world from now on: kept alive, and worked on."""
        self.devices.append(device)
        for number in range(AGENTS):
            chance = Random(f"{self.seed} {device.name} agent {number}")
            self.agents.append(Agents(device, chance, self.heard, self.counted, PAUSE_S))
            if self.working:
                self._spawn(self.agents[-1])
        if self.working:
            self._keep(device)

    def work(self) -> None:
        """Everybody begins to work, and whoever falls is helped up again."""
        self.working = True
        for agents in self.agents:
            self._spawn(agents)
        for device in self.devices:
            self._keep(device)

    def _spawn(self, agents: Agents) -> None:
        self.tasks.add(asyncio.get_running_loop().create_task(agents.run()))

    def _keep(self, device: Device) -> None:
        self.keepers.add(asyncio.get_running_loop().create_task(device.keep()))

    async def rest(self) -> None:
        """Everybody stops, whoever is just being helped up when that is done; raises what an agent
        or a keeper fell over."""
        self.working = False
        for device in self.devices:
            device.kept = False
        for task in self.tasks:
            task.cancel()
        ended = await asyncio.gather(*self.tasks, *self.keepers, return_exceptions=True)
        self.tasks.clear()
        self.keepers.clear()
        for found in ended:
            if isinstance(found, Exception):
                raise found


@asynccontextmanager
async def world_in(
    folder: Path, seed: int, database: str = "", plant: str = ""
) -> AsyncIterator[World]:
    """A team of eight that has just begun, with money for the first ten seconds."""
    counted = Counted()
    server_plant = plant if plant.startswith("server") else ""
    server = await asyncio.to_thread(TeamServer, folder, database, server_plant)
    network = Network(server.path, server.port, seed, counted)
    with SandboxProcess(folder, "--seed", str(seed % 1_000)) as provider:
        pools = {pool.id: pool for pool in _pools()}
        cashier = Cashier(server, provider.bill_path, pools)
        world = World(seed, folder, counted, server, network, provider, cashier, pools, plant)
        try:
            await _begin(world)
            yield world
        finally:
            await _end(world)


async def _end(world: World) -> None:
    """Leave nothing running, whatever went wrong: also what a thread was just starting."""
    with suppress(Exception):
        await world.rest()
    for device in world.made:
        device.victim.kill()
    await world.network.close()
    await world.server.kill()
    await asyncio.get_running_loop().shutdown_default_executor()
    for device in world.made:
        device.victim.kill()


def _pools() -> list[PoolOf]:
    backend = {f"d{number}" for number in range(BACKEND)}
    return [
        PoolOf("org.month", lambda _device, _project: True),
        PoolOf("team.backend.day", lambda device, _: device.partition("c")[0] in backend),
        PoolOf("project.atlas.month", lambda _, project: project == "atlas"),
    ]


async def _begin(world: World) -> None:
    """Two teams, a cap for each pool, and eight who join in bad weather. Raises `NotBegun`."""
    try:
        await world.server.start()
        for team in ("backend", "frontend"):
            await world.server.ask("team.create", team=team)
        for pool, first_nusd in FIRST_NUSD.items():
            await world.cashier.set_cap(pool, first_nusd, **CAPS[pool])
        world.network.weather = STORM
        joins = (world.join(number) for number in range(DEVICES))
        for found in await asyncio.gather(*joins, return_exceptions=True):
            if isinstance(found, BaseException):
                raise found
    except Exception as error:
        raise NotBegun(error) from error
    world.devices.sort(key=lambda device: device.name)
