"""What all doors share: the service in its own thread, the clock, the lines held open.

On SQLite one thread does all of the work, one decision after another; on PostgreSQL several do,
and the database lets them take turns. Nothing of the store ever runs on the event loop.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from sync_server.acts.act import Address, Caller, Done, Moment
from sync_server.acts.table import ACTS
from sync_server.acts.tokens import caller_of
from sync_server.doors.metrics import Counts
from sync_server.doors.pace import Pace
from sync_server.doors.pushing import Lines, tickets_key
from sync_server.service import Service
from sync_server.store import people

Found = TypeVar("Found")
THREADS = 8
NOBODY: frozenset[str] = frozenset()
KEPT = 10_000
"""Of how many questions it is remembered that the leads were told."""


def clock_us() -> int:
    """The server's clock, which alone says when a window ends."""
    return time.time_ns() // 1_000


class Hall:
    """One server. `tell_others` carries a push to the servers that share its database."""

    def __init__(
        self,
        service: Service,
        address: Address,
        *,
        now_us: Callable[[], int] = clock_us,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        alone = service.engine.dialect.name == "sqlite"
        self.service = service
        self.address = address
        self.now_us = now_us
        self.pace = Pace(monotonic_s)
        self.lines = Lines(tickets_key(service.private_key))
        self.counts = Counts()
        self.tell_others: Callable[[frozenset[str], frozenset[str]], None] | None = None
        self._told_of: set[str] = set()
        self._threads = ThreadPoolExecutor(1 if alone else THREADS, "agentspend-store")

    def close(self) -> None:
        """Let what is being done end."""
        self.lines.close()
        self._threads.shutdown()

    async def work(self, do: Callable[[], Found]) -> Found:
        """Something that touches the database."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, do)

    async def caller(self, token: str) -> Caller | None:
        """Who a token stands for."""
        return await self.work(lambda: self._caller(token))

    def _caller(self, token: str) -> Caller | None:
        with self.service.engine.begin() as conn:
            return caller_of(conn, token)

    async def act(self, name: str, fields: object, caller: Caller) -> Mapping[str, Any]:
        """Do what a person asks, and tell the devices it concerns. Raises as the act does, and
        `KeyError` for an unknown one."""
        moment = Moment(caller, self.now_us(), secrets.token_bytes(32), self.address)
        act = ACTS[name]
        plan = act.plan(fields, moment)
        done: Done = await self.work(lambda: self.service.do(act, plan, moment.now_us))
        self.counts.add("acts", name)
        await self.tell(done.concerns)
        return done.answer

    async def tell(self, teams: frozenset[str]) -> None:
        """Push to every device of these teams, wherever it is connected."""
        if not teams:
            return
        await self.tell_here(teams)
        await self._elsewhere(teams, NOBODY)

    async def tell_of(self, question: str, *, is_open: bool) -> None:
        """Push to the leads that somebody asks for more, if they may not have heard it yet."""
        if not is_open:
            self._told_of.discard(question)
        elif question not in self._told_of:
            await self.tell(frozenset({people.LEADS}))
            if len(self._told_of) >= KEPT:
                self._told_of.clear()
            self._told_of.add(question)

    async def ring(self, devices: Collection[str]) -> None:
        """Push to these devices, wherever they are connected."""
        self.lines.tell(devices)
        await self._elsewhere(NOBODY, frozenset(devices))

    async def _elsewhere(self, teams: frozenset[str], devices: frozenset[str]) -> None:
        """Push by the servers beside this one. What was decided stands, told or not."""
        others = self.tell_others
        if others is not None:
            try:
                await self.work(lambda: others(teams, devices))
            except SQLAlchemyError:
                self.counts.add("pushes", "lost")

    def hears(self, device: str) -> bool:
        """Whether a push may reach a device: it is connected here, or perhaps elsewhere."""
        return self.tell_others is not None or self.lines.listens(device)

    async def tell_here(self, teams: frozenset[str]) -> None:
        """Push to the devices of these teams that are connected here."""
        if self.lines.held:
            self.lines.tell(await self.work(lambda: self._devices(teams)))

    def _devices(self, teams: frozenset[str]) -> set[str] | None:
        if "*" in teams:
            return None
        with self.service.engine.begin() as conn:
            return people.devices_of(conn, teams)
