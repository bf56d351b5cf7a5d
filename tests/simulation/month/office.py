"""The team server of a month: the shipped rules of grants, windows and sums, over dicts."""

from collections.abc import Callable
from dataclasses import replace

from agentspend.core.allowance.accounts import Place
from agentspend.core.allowance.messages import Answer, Sync
from sync_server.allowance.case import Office as Standing
from sync_server.allowance.desk import serve
from sync_server.allowance.journal import Began, Line, Opened
from sync_server.allowance.pools import PoolState
from sync_server.allowance.sizing import Crowd, Sizing
from sync_server.allowance.windows import due, first
from sync_server.crowds import Crowds
from sync_server.service import ACTIVE_US
from sync_server.store.people import MOST_HOLDERS
from tests.simulation.team.office import Database

ZONE = "Europe/Berlin"


class Office:
    """One server. `rolled` is told of every window that begins."""

    def __init__(
        self, caps: dict[str, tuple[str, int]], now_us: int, rolled: Callable[[PoolState], None]
    ) -> None:
        self.database = Database()
        self.sizing = Sizing()
        self._kinds = {name: kind for name, (kind, _) in caps.items()}
        self._seen: dict[str, int] = {}
        self._whose: dict[str, tuple[str, str]] = {}
        self._shared = {name: {"m": "member", "t": "team"}.get(name[0], "") for name in caps}
        self._crowds = Crowds()
        self._rolled = rolled
        self._next_us = 0
        for name, (kind, cap_nusd) in caps.items():
            self._decide(first(name, cap_nusd, kind, now_us, ZONE))

    def enrol(self, device: str, inc: str, member: str, team: str) -> None:
        """A device joins."""
        self._decide(Began(inc, device, f"n_{device}"))
        self._seen[device] = 0
        self._whose[device] = (member, team)
        self._crowds.forget()

    def roll(self, now_us: int) -> None:
        """Begin the windows that are due: before every decision, as the service does."""
        if now_us >= self._next_us:
            pools = self.database.pools.values()
            for line in due([(pool, self._kinds[pool.id]) for pool in pools], now_us, ZONE):
                self._decide(line)
            self._next_us = min(pool.ends_us or 2**62 for pool in pools)

    def sync(self, sync: Sync, now_us: int) -> Answer:
        """Take a report in, grant, answer."""
        self.roll(now_us)
        self._seen[sync.device] = now_us
        database = self.database
        member, team = self._whose[sync.device]
        own = frozenset({f"{member}.month"})
        case = replace(database.case(sync.inc), shared=self._shared, own=own)
        hashes = database.hashes[sync.inc]
        standing = Standing(
            1, database.position, now_us, self._crowd(now_us, ""), self.sizing,
            crowds={"team": self._crowd(now_us, team), "member": self._crowd(now_us, member)},
        )  # fmt: skip
        outcome = serve(case, sync, hashes.__getitem__, standing)
        assert case.incarnation is not None
        database.incs[sync.inc] = case.incarnation
        hashes.extend(each.hash for each in outcome.entries)
        database.position += len(outcome.journal)
        return outcome.answer

    def holders(self, device: str, place: Place) -> tuple[int, list[tuple[str, int]]]:
        """What lies on a device, and on others, the richest first (`Service.holders`)."""
        found = [
            (self.database.incs[inc].device, account.outstanding_nusd)
            for inc, accounts in self.database.accounts.items()
            if (account := accounts.get(place)) and account.outstanding_nusd
        ]
        found.sort(key=lambda each: -each[1])
        others = [each for each in found if each[0] != device][:MOST_HOLDERS]
        return dict(found).get(device, 0), others

    def _crowd(self, now_us: int, whose: str) -> Crowd:
        return self._crowds.at(now_us, whose, lambda: self._count(now_us, whose))

    def _count(self, now_us: int, whose: str) -> tuple[int, int]:
        seen = [
            at_us
            for device, at_us in self._seen.items()
            if not whose or whose in self._whose[device]
        ]
        return len(seen), sum(at_us >= now_us - ACTIVE_US for at_us in seen)

    def _decide(self, line: Line) -> None:
        self.database.play(line)
        if isinstance(line, Opened):
            self._rolled(self.database.pools[line.pool])
