"""What one decision reads and changes: an incarnation, its accounts, and the pools they are in.

The store loads a case under the team's lock, the rules change it, the store writes it back. An
account is only ever put through `put`, which keeps the pool's sums in step.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field

from agentspend.core.allowance.accounts import EMPTY, Account, Place
from agentspend.core.allowance.messages import NOTHING, Link, Status
from sync_server.allowance.pools import PoolState
from sync_server.allowance.sizing import Crowd, Sizing
from sync_server.belonging import Belonging

ALONE = Belonging()


def _nothing(_: Place) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One ledger of a device: `end` is its last entry as the server has it, `parent` the ledger it
    took over from ("" for a device's first, and where that was not noted), `moved_nusd` all that
    its entries charge, correct and return, `begun_us` when it began (0: long ago)."""

    inc: str
    device: str
    nonce: str
    status: Status = Status.ACTIVE
    end: Link = NOTHING
    parent: str = ""
    moved_nusd: int = 0
    begun_us: int = 0


@dataclass(slots=True)
class Case:
    """`incarnation` is None for one the server does not know. `accounts` are all of its own.

    A mapping may fetch what it is asked for; iterating it names at least every open account.
    `pools` holds every pool the device may pay into, and those of its open accounts. `gone` are
    those it may not pay into any more (it has changed teams, they were removed, its member may
    only look): it gets no rights there and is asked for those it has; `left` are those of them that
    are in force for others. Entries that name any other pool change nothing. `shared` says of a
    pool who pays into it: a "team NAME", a "member", a "device"; else everybody may. `belongs` are
    the teams of the device's member, `own` the pools of the member or device in which all counts
    that it spends. `left_behind_nusd` says what lies in a place on other ledgers of the device.
    """

    incarnation: Incarnation | None
    accounts: MutableMapping[Place, Account]
    pools: dict[str, PoolState]
    gone: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    shared: Mapping[str, str] = field(default_factory=dict)
    belongs: Belonging = ALONE
    own: frozenset[str] = frozenset()
    left_behind_nusd: Callable[[Place], int] = _nothing

    def put(self, place: Place, after: Account) -> None:
        """Change one account, and its pool's sums with it."""
        pool = self.pools.get(place.pool)
        if pool is not None:
            before = self.accounts.get(place, EMPTY)
            self.pools[place.pool] = pool.changed(place.window, before, after)
            self.accounts[place] = after


@dataclass(frozen=True, slots=True)
class Office:
    """The server at this moment: who it is, how far its journal goes, what is in force.

    `crowd` is everybody, `crowds` those who share a pool of one of the
    sender's teams, of their member or device.
    """

    server_inc: int
    server_seq: int
    now_us: int
    crowd: Crowd
    sizing: Sizing
    policy: int = 0
    policy_sha256: str = ""
    audit: str = ""
    crowds: Mapping[str, Crowd] = field(default_factory=dict)

    def crowd_of(self, shared: str) -> Crowd:
        """Who shares a pool, by `Case.shared`."""
        return self.crowds.get(shared, self.crowd)
