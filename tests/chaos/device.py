"""One device: a home with a real daemon that dies and is started again, in a team, under load."""

import asyncio
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.network import Link
from tests.chaos.ports import fixed_port
from tests.chaos.weather import Counted
from tests.support.process import ROOT, Home
from tests.torture.cycles import POINTS
from tests.torture.load import Access
from tests.torture.talk import Talk, ask
from tests.torture.victim import Victim

CONFIG = """[daemon]
port = {port}
[providers.anthropic]
base_url = "{url}"
[admission]
wait_s = 10
"""
GONE = (OSError, AssertionError, EOFError)
ARMED = 0.4
KILLED, DIED = "daemon killed", "daemon died at a point in its code"


@dataclass(slots=True)
class Lived:
    """What a device's life left behind for the verdict.

    `acked`: settlements it announced, by ledger file (a restored file starts a new list).
    `branches`: copies of ledgers that a restore has put out of the world.
    `doubted`: the ledgers of the team it was copied with and must not use.
    """

    acked: list[list[dict[str, Any]]] = field(default_factory=lambda: [[]])
    branches: list[Path] = field(default_factory=list)
    doubted: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


class Device:
    """`sessions` are its ways in by project; empty while its daemon is down. `starts` bounds how
    many are started at a time: each takes a second of a processor."""

    def __init__(
        self, name: str, folder: Path, provider: str, link: Link, chance: Random, counted: Counted,
        starts: asyncio.Semaphore, plant: str = "",
    ) -> None:  # fmt: skip
        self.name = name
        self.link = link
        self.lived = Lived()
        self.hands = asyncio.Lock()
        self.sessions: dict[str, Access] = {}
        self.up = asyncio.Event()
        self.starts_s: list[float] = []
        self.in_doubt = False
        self.armed = False
        self.kept = True
        self._chance = chance
        self._counted = counted
        self._provider = provider
        self._starts = starts
        self._plant = plant
        self._tokens: dict[str, str] = {}
        self._links: list[Talk] = []
        self._watch: asyncio.Task[None] | None = None
        self.home = Home(folder, PYTHONPATH=str(ROOT))
        module = ("tests.chaos.planted", plant, "agentspend") if plant else ("agentspend",)
        self.victim = Victim(self.home, *module)
        self.configure()

    @property
    def socket(self) -> Path:
        """The daemon's control socket."""
        return self.victim.paths.socket

    def configure(self) -> None:
        """A port of its own, which outlives the daemon."""
        self.home.config.write_text(CONFIG.format(port=fixed_port(), url=self._provider))

    async def start(self, projects: tuple[str, ...] = (), *, armed: bool = False) -> bool:
        """Start the daemon and open the sessions again; False when it died on the way."""
        fault = ""
        if armed and self._chance.random() < ARMED:
            point, depth = self._chance.choice(
                [(name, depth) for name, depth in POINTS.items() if name != "anywhere"]
            )
            fault = f"{point}:{self._chance.randint(1, depth)}"
        self.armed = bool(fault)
        async with self._starts:
            took_s = await asyncio.to_thread(self.victim.start, fault)
        if took_s is None:
            return False
        self.starts_s.append(took_s)
        try:
            watching = await Talk.open(self.socket)
            self._links = [watching]
            self._watch = asyncio.get_running_loop().create_task(watching.watch(self._hear))
            for project in projects or tuple(self._tokens):
                await self._session(project)
        except GONE:
            await self.dead()
            return False
        self.up.set()
        return True

    async def _session(self, project: str) -> None:
        """A session in a project ("" for none), with the token it always had."""
        name = f"s_{self.name}_{project or 'none'}"
        payer = {"member": "me", "agent": "claude", "session": name, "project": project}
        talk = await Talk.open(self.socket)
        self._links.append(talk)
        known = self._tokens.get(project)
        words = {"token": known} if known else {}
        opened = await talk.ask("session.open", session=name, payer=payer, auth="auto", **words)
        self._tokens[project] = opened["token"]
        url = f"http://127.0.0.1:{opened['port']}/s/{opened['token']}"
        self.sessions[project] = Access(name, opened["token"], url)

    def _hear(self, event: dict[str, Any]) -> None:
        if event.get("event") == "settle":
            self.lived.acked[-1].append(event)

    async def kill(self) -> None:
        """SIGKILL, wherever it is."""
        self.victim.kill()
        await self.dead()

    async def dead(self) -> None:
        """Make sure that nothing of the daemon is left running here."""
        self.up.clear()
        self.victim.kill()
        await asyncio.to_thread(self.victim.wait)
        if self._watch is not None:
            with suppress(*GONE):
                await self._watch
            self._watch = None
        for talk in self._links:
            await talk.close()
        self._links = []

    async def keep(self) -> None:
        """Whenever the daemon is dead, start it again after a while; while it is `kept`."""
        while self.kept:
            await asyncio.sleep(0.05)
            if self.victim.alive or self.hands.locked():
                continue
            await asyncio.sleep(self._chance.uniform(0.0, 0.8))
            async with self.hands:
                if not self.victim.alive:
                    if not self.victim.killed_by_us:
                        self._counted.add(DIED)
                    await self.dead()
                    await self.start(armed=True)

    async def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """A question over the control socket; `OSError` or `AssertionError` when it is dead."""
        return await ask(self.socket, op, **fields)

    async def team(self) -> dict[str, Any]:
        """What `agentspend team status` says."""
        found: dict[str, Any] = (await self.ask("team.status"))["team"]
        return found

    def copy_to(self, folder: Path) -> Path:
        """A copy of its home as it lies on the disk now."""
        shutil.copytree(
            self.home.home,
            folder,
            ignore=shutil.ignore_patterns("run", "*.log", "ledger.lock", "ballast"),
        )
        return folder
