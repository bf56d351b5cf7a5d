"""Ledgers and cases for the tests of the server's rules."""

from collections.abc import Sequence
from typing import Any

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.messages import NOTHING, Link, Status, Sync, Want
from agentspend.wire.entries import Entry, encode, entry_hash
from sync_server.allowance.case import Case, Incarnation, Office
from sync_server.allowance.pools import PoolState
from sync_server.allowance.sizing import Crowd, Sizing

ORG = Place("org", 3)
SIZING = Sizing(float_nusd=100, least_burn_nusd=10, most_nusd=200, grain_nusd=1)
OFFICE = Office(server_inc=1, server_seq=7, now_us=0, crowd=Crowd(2, 1), sizing=SIZING)


class Chain:
    """A device's ledger, entry by entry; `ts_us` is what its clock says."""

    def __init__(self, inc: str = "i_1") -> None:
        self.inc = inc
        self.ts_us = 1
        self.bodies: list[str] = []
        self.hashes = [""]
        self.add("genesis")

    @property
    def end(self) -> Link:
        """Its last entry."""
        return Link(len(self.bodies), self.hashes[-1])

    def add(
        self,
        kind: str,
        rights: Sequence[tuple[str, int, int]] = (),
        amount: int | None = None,
        **words: Any,
    ) -> "Chain":
        """One more entry."""
        body = encode(
            Entry(self.inc, len(self.bodies) + 1, self.hashes[-1], kind, self.ts_us,
                  amount_nusd=amount, rights=rights, **words)
        )  # fmt: skip
        self.bodies.append(body.decode())
        self.hashes.append(entry_hash(body))
        return self

    def settle(self, amount: int, *places: Place) -> "Chain":
        """A charge in these places."""
        return self.add("settle", [(*place, amount) for place in places or (ORG,)], amount)

    def sync(self, *wants: Want, after: int = 0, **words: object) -> Sync:
        """A report of everything after an entry."""
        fields: dict[str, object] = {
            "team": "t", "device": "d_1", "inc": self.inc, "nonce": "n", "server_inc": 1,
            "server_seq": 7, "after_seq": after, "end": self.end,
            "entries": tuple(self.bodies[after:]), "policy": 1, "wants": wants,
        }  # fmt: skip
        return Sync(**{**fields, **words})  # type: ignore[arg-type]


def case(
    *pools: PoolState, status: Status = Status.ACTIVE, granted: int = 0, end: Link = NOTHING
) -> Case:
    """One incarnation with one account in the first pool, whose sums fit."""
    made = Case(
        Incarnation("i_1", "d_1", "n_1", status, end),
        {},
        {pool.id: pool for pool in pools or (PoolState("org", 1_000, 3),)},
    )
    first = next(iter(made.pools.values()))
    if granted:
        made.put(Place(first.id, first.window), Account(granted))
    return made
