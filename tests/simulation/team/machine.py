"""A computer: what is on its disk, and the requests it has in flight."""

from dataclasses import dataclass, field, replace

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.device import Device, Draft, TeamHold
from agentspend.core.allowance.hearing import to_sync
from agentspend.core.allowance.messages import NOTHING, Link, Sync, Want
from agentspend.core.allowance.standing import Standing
from agentspend.wire.entries import Entry, encode, entry_hash


class Disk:
    """What survives a crash: standing, accounts, holds, and the ledger's bytes."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.accounts: dict[Place, Account] = {}
        self.holds: dict[str, TeamHold] = {}
        self.bodies: list[str] = []
        self.hashes: list[str] = [""]

    def copy(self) -> "Disk":
        """A backup, a clone, or a snapshot."""
        windows = dict(self.standing.windows)
        copied = Disk(replace(self.standing, windows=windows))
        copied.accounts = dict(self.accounts)
        copied.holds = dict(self.holds)
        copied.bodies = list(self.bodies)
        copied.hashes = list(self.hashes)
        return copied

    @property
    def end(self) -> Link:
        """The last entry of the ledger."""
        return Link(len(self.bodies), self.hashes[-1]) if self.bodies else NOTHING

    def hash_at(self, seq: int) -> str:
        """The hash of an entry."""
        return self.hashes[seq]

    def append(self, draft: Draft, ts: int, rid: str = "", evidence: str = "") -> None:
        """One more entry."""
        entry = Entry(
            inc=self.standing.inc,
            seq=len(self.bodies) + 1,
            prev=self.hashes[-1],
            kind=draft.kind,
            ts=ts,
            rid=rid,
            amount_nusd=draft.amount_nusd,
            evidence=evidence,
            rights=draft.rights,
        )
        body = encode(entry)
        self.bodies.append(body.decode())
        self.hashes.append(entry_hash(body))


@dataclass(slots=True)
class Request:
    """At the provider: what it was held for, and what it will cost."""

    rid: str
    inc: str
    hold: int
    cost: int
    places: tuple[Place, ...]
    billed: bool = False


@dataclass(eq=False)
class Machine:
    """One computer with one ledger. `pools` are the pools its requests may count in; each counts
    in those of one of its `teams` besides, where it is in any."""

    name: str
    device: str
    identity: str
    disk: Disk
    pools: tuple[str, ...]
    optional: tuple[str, ...]
    up: bool = True
    awake: bool = True
    gone: bool = False
    expelled: bool = False
    running: dict[str, Request] = field(default_factory=dict)
    backup: Disk | None = None
    snapshot: Disk | None = None
    needs: dict[str, int] = field(default_factory=dict)
    waiting: tuple[tuple[str, ...], int] | None = None
    burn: int = 0
    nonces: int = 0
    teams: tuple[tuple[str, ...], ...] = ()

    @property
    def rules(self) -> Device:
        """The shipped rules over this disk."""
        return Device(self.disk.standing, self.disk.accounts, self.disk.holds)

    def genesis(self, ts: int) -> None:
        """The first entry of a new ledger."""
        self.disk.append(Draft("genesis", ()), ts)

    def to_sync(self, entries: int, default_wants: bool = True) -> Sync | None:
        """A report with at most this many entries, and what it wants."""
        disk = self.disk
        after = disk.standing.acked_seq
        self.nonces += 1
        return to_sync(
            self.rules,
            disk,
            team="t_1",
            nonce=f"{self.name}.{self.nonces}",
            entries=disk.bodies[after : after + entries],
            policy=1,
            wants=[self._want(pool) for pool in self._wanted()] if default_wants else [],
        )

    def _wanted(self) -> list[str]:
        theirs = [pool for pools in self.teams for pool in pools]
        return [*self.pools, *theirs, *(pool for pool in self.optional if pool in self.needs)]

    def _want(self, pool: str) -> Want:
        window = self.disk.standing.windows.get(pool, -1)
        account = self.disk.accounts.get(Place(pool, window))
        held = account.held_nusd if account else 0
        return Want(pool, self.burn, self.needs.get(pool, 0), held)
