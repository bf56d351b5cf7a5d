"""The one question that counts, asked all the time: is the provider's bill above a cap?

The bill is the provider's own file. What may have been spent is said by the theorem: at most the
cap, or what was committed when the cap was last lowered.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tests.chaos.server import NoAnswer, TeamServer

EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class PoolOf:
    """A pool, and whose requests count in it: by device and project, as their names say."""

    id: str
    counts: Callable[[str, str], bool]


@dataclass(slots=True)
class Bill:
    """The provider's file, read as it grows. `rows` are (name of the request, nano-USD) by id."""

    path: Path
    rows: dict[str, tuple[str, int]] = field(default_factory=dict)
    _at: int = 0

    def read(self) -> None:
        """Take in what was written since."""
        with self.path.open("rb") as file:
            file.seek(self._at)
            text = file.read()
        whole = text.rfind(b"\n") + 1
        self._at += whole
        for line in text[:whole].splitlines():
            row = msgspec.json.decode(line)
            self.rows[row["request_id"]] = (row["session"], row["nusd_up"])

    def billed_nusd(self, pool: PoolOf) -> int:
        """What the provider bills for the requests of a pool."""
        return sum(nusd for name, nusd in self.rows.values() if pool.counts(*_who(name)))


def _who(name: str) -> tuple[str, str]:
    """Whose a request is: its device and project."""
    device, project = name.split(".")[:2]
    return device, project


@dataclass(slots=True)
class Allowed:
    """What may have been spent in each pool, from the caps that a lead set and when."""

    caps: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    lowered: int = 0
    below_committed: int = 0
    raised: int = 0

    def will_raise(self, pool: str, cap_nusd: int) -> None:
        """A higher cap is about to be set: from now on it may be used."""
        self.caps[pool] = cap_nusd
        self.most[pool] = max(self.most.get(pool, 0), cap_nusd)
        self.raised += 1

    def has_lowered(self, pool: str, cap_nusd: int, committed_nusd: int) -> None:
        """A lower cap is in force; so much was committed then."""
        self.caps[pool] = cap_nusd
        self.most[pool] = min(self.most[pool], max(cap_nusd, committed_nusd))
        self.lowered += 1
        self.below_committed += committed_nusd > cap_nusd


class Cashier:
    """Sets caps as a lead does, and watches the bill against them."""

    def __init__(self, server: TeamServer, bill: Path, pools: Mapping[str, PoolOf]) -> None:
        self.bill = Bill(bill)
        self.allowed = Allowed()
        self.looks = 0
        self.nearest: dict[str, float] = {}
        self._server = server
        self._pools = pools
        self._turn = asyncio.Lock()

    async def set_cap(self, pool: str, cap_nusd: int, **where: str) -> None:
        """Set a cap, however often the server dies over it."""
        async with self._turn:
            before_nusd = self.allowed.caps.get(pool, 0)
            if cap_nusd >= before_nusd:
                self.allowed.will_raise(pool, cap_nusd)
            await self._server.surely("cap.set", cap_nusd=cap_nusd, **where)
            if cap_nusd < before_nusd:
                self.allowed.has_lowered(pool, cap_nusd, await self.committed_nusd(pool))

    async def approve(self, request: str, pool: str, amount_nusd: int) -> None:
        """Raise a cap once, as somebody asked; a second yes after a lost answer changes nothing."""
        async with self._turn:
            self.allowed.will_raise(pool, self.allowed.caps[pool] + amount_nusd)
            while await self._is_open(request):
                with suppress(NoAnswer):
                    await self._server.ask("request.approve", request=request)

    async def _is_open(self, request: str) -> bool:
        found = await self._server.surely("request.list")
        return any(each["request"] == request for each in found["requests"])

    async def committed_nusd(self, pool: str) -> int:
        """What the server counts as spent or on its way."""
        caps = (await self._server.surely("cap.list"))["caps"]
        line = next(each for each in caps if each["pool"] == pool)
        return int(line["spent_nusd"] + line["out_nusd"])

    def look(self) -> list[str]:
        """What is billed above what may be, in words; nothing when all is well."""
        self.bill.read()
        self.looks += 1
        wrong = []
        for name, most_nusd in self.allowed.most.items():
            billed_nusd = self.bill.billed_nusd(self._pools[name])
            self.nearest[name] = max(self.nearest.get(name, 0.0), billed_nusd / max(most_nusd, 1))
            if billed_nusd > most_nusd:
                wrong.append(f"CAP PASSED: {billed_nusd} is billed in {name}, at most {most_nusd}")
        return wrong

    async def watch(self) -> list[str]:
        """Look until something is wrong, or until cancelled."""
        while not (wrong := self.look()):
            await asyncio.sleep(EVERY_S)
        return wrong
