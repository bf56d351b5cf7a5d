"""One history: a seed, a world, and steps until the faults stop."""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.messages import Answer, Hello, Sync, Welcome
from agentspend.core.allowance.standing import Standing
from sync_server.allowance.journal import Began, Opened
from sync_server.allowance.sizing import Sizing
from tests.simulation.team import checks, device_steps, server_steps
from tests.simulation.team.machine import Disk, Machine, Request
from tests.simulation.team.network import Envelope, Network
from tests.simulation.team.office import Database, Journal, Server
from tests.simulation.team.swarm import TEAMS, Draw, draw
from tests.simulation.team.truth import Truth, Violation

CHECK_EVERY = 16
NO_ACCOUNTS: dict[Place, Account] = {}


@dataclass(frozen=True, slots=True)
class History:
    """How a history went. `fault` is the invariant that broke, "" when all held."""

    seed: int
    steps: int
    billed: int
    fault: str = ""
    twins: bool = False
    teams: bool = False
    counts: dict[str, int] = field(default_factory=dict)


def in_memory(sizing: Sizing) -> Server:
    """The usual server: the rules over dicts."""
    return Server(Database(), Journal(), sizing)


class World:
    """Everything there is."""

    def __init__(
        self,
        seed: int,
        *,
        twins: bool = False,
        teams: bool = False,
        server: Callable[[Sizing], Server] = in_memory,
    ) -> None:
        self.draw: Draw = draw(seed, twins=twins, teams=teams)
        self.teams: dict[str, tuple[str, ...]] | None = {} if teams else None
        self.rng = random.Random(seed * 7919 + 1)
        self.truth = Truth()
        self.now = 0
        self._ids = itertools.count(1)
        self.network = Network(as_bytes=self.draw.bytes_on_the_wire, real_keys=self.draw.real_keys)
        self.server = server(self.draw.sizing)
        self.server.capped = seed % 3 == 0
        self.zombie: Server | None = None
        self.server_backup: Any = None
        self.twinned: dict[str, int] = {}
        self.asked_twice: set[str] = set()
        self.crash = ""
        self.overruns = 0.02 if seed % 5 == 0 else 0.0
        self.machines: list[Machine] = []
        self.counts: dict[str, int] = dict.fromkeys([*self.draw.weights, "admitted"], 0)
        self.caps = dict(self.draw.caps)
        for pool in self.draw.pools:
            self.server.decide(Opened(pool, self.draw.caps[pool], 1))
            self.truth.opens(self.server.database.pools[pool], self.caps[pool])
        for _ in range(self.draw.machines):
            self.enrol()

    def new_id(self, kind: str) -> str:
        """A name nobody has."""
        return f"{kind}_{next(self._ids)}"

    def enrol(self) -> None:
        """A new device with its first incarnation."""
        device, inc, place = self.new_id("d"), self.new_id("i"), self.new_id("place")
        if self.teams is not None:
            self.joins(device)
        self.server.decide(Began(inc, device, self.new_id("n")))
        team = self.rng.random() < 0.7
        always = [p for p in self.draw.pools if p.startswith("org") or (team and "team" in p)]
        projects = [p for p in self.draw.pools if p.startswith("project")]
        machine = Machine(
            self.new_id("m"), device, place, Disk(Standing(device, inc, place)),
            tuple(always), tuple(projects),
        )  # fmt: skip
        machine.teams = self.teams_of(device)
        machine.genesis(self.now)
        self.machines.append(machine)

    def joins(self, device: str) -> None:
        """A device's member is in one team, or in both, from now on; its machines hear of it."""
        assert self.teams is not None
        teams = tuple(self.rng.sample(TEAMS, self.rng.choice((1, 2, 2))))
        self.teams[device] = teams
        self.server.belongs(device, teams)

    def teams_of(self, device: str) -> tuple[tuple[str, ...], ...]:
        """The pools of each team that a device may spend for."""
        found = (self.teams or {}).get(device, ())
        return tuple(tuple(p for p in self.draw.pools if p.startswith(team)) for team in found)

    def living(self) -> list[Machine]:
        """The machines that may still work: not destroyed, their device not expelled."""
        return [machine for machine in self.machines if not (machine.gone or machine.expelled)]

    def bill(self, request: Request) -> None:
        """The provider charges."""
        database = self.server.database
        accounts = database.accounts.get(request.inc, NO_ACCOUNTS)
        over = max(0, request.cost - request.hold)
        if request.inc in self.twinned:
            lives = self.twinned[request.inc] + 1
            self.truth.bill_twin(request.inc, request.places, request.cost, over, lives, accounts)
        else:
            self.truth.bill(
                request.inc, request.places, request.cost, over, database.pools, accounts
            )

    def run(self, steps: int, watch: Callable[[str], None] | None = None) -> None:
        """Faults on. Raises `Violation`."""
        names = list(self.draw.weights)
        cumulative = list(itertools.accumulate(self.draw.weights.values()))
        choices = self.rng.choices
        while self.now < steps:
            for name in choices(names, cum_weights=cumulative, k=256):
                self.now += 1
                self.counts[name] += 1
                self.step(name, watch)
                if self.now % CHECK_EVERY == 0:
                    checks.everything(self)
                if self.now >= steps:
                    return

    def step(self, name: str, watch: Callable[[str], None] | None = None) -> None:
        """One thing happens."""
        if name in device_steps.STEPS:
            machine = self._someone()
            if watch is not None:
                watch(f"{self.now} {name} {machine.name}")
            if machine.up and machine.awake and not machine.gone:
                device_steps.STEPS[name](self, machine)
        elif name in server_steps.STEPS:
            if watch is not None:
                watch(f"{self.now} {name}")
            server_steps.STEPS[name](self)
        elif name in ("start", "wake"):
            self._back(name)
        elif self.network.flying:
            self._move(name, watch)

    def _someone(self) -> Machine:
        """Mostly somebody who is still in the team."""
        living = self.living()
        return self.rng.choice(living if living and self.rng.random() < 0.9 else self.machines)

    def _back(self, name: str) -> None:
        """A machine that is down starts, or one that is asleep wakes up."""
        for machine in self.rng.sample(self.machines, len(self.machines)):
            if not machine.gone and (not machine.up if name == "start" else not machine.awake):
                machine.awake = True
                device_steps.start(self, machine)
                return

    def _move(self, name: str, watch: Callable[[str], None] | None) -> None:
        flying = self.network.flying
        overtaken = self.rng.random() < 0.3
        place = self.rng.randrange(len(flying)) if overtaken else len(flying) - 1
        if len(flying) > 40 or name != "duplicate":
            flying[place], flying[-1] = flying[-1], flying[place]
            envelope = flying.pop()
        else:
            envelope = flying[place]
        if watch is not None:
            target = envelope.to.name if envelope.to else "server"
            watch(f"{self.now} {name} {envelope.kind.__name__} to {target}: {envelope.content}")
        if name != "drop":
            self.arrive(envelope)

    def arrive(self, envelope: Envelope) -> None:
        """A message reaches its receiver, who may be asleep or dead."""
        message = self.network.read(envelope)
        machine = envelope.to
        if isinstance(message, Sync | Hello):
            self._at_server(message)
        elif machine is not None and machine.up and machine.awake and not machine.gone:
            device_steps.hear(self, machine, message)

    def _at_server(self, message: Sync | Hello) -> None:
        server = self.server
        if self.zombie is not None and self.rng.random() < 0.3:
            server = self.zombie
        crash, self.crash = self.crash, ""
        answer: Answer | Welcome | None
        if isinstance(message, Sync):
            answer = server.sync(message, self.now, crash)
        else:
            answer = server.hello(message, self.new_id("i"), self.now, crash)
        if answer is not None:
            for machine in self.machines:
                if machine.device == answer.device:
                    self.network.send(machine, answer)


def history(
    seed: int,
    steps: int,
    watch: Callable[[str], None] | None = None,
    *,
    twins: bool = False,
    teams: bool = False,
    server: Callable[[Sizing], Server] = in_memory,
) -> History:
    """Run one seed: faults, then calm, then everything must be well.

    With `twins` virtual machines are thawed twice, the one hole of the protocol (study §2.8). With
    `teams` a member may be in two of them, each request is for one, and members come and go.
    """
    from tests.simulation.team.healing import heal

    world = World(seed, twins=twins, teams=teams, server=server)
    fault = ""
    try:
        world.run(steps, watch)
        checks.everything(world)
        heal(world)
    except Violation as violation:
        fault = str(violation)
    except Exception as error:
        fault = f"the rules broke down: {error!r}"
    return History(seed, world.now, world.truth.billed, fault, twins, teams, world.counts)
