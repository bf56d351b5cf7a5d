"""What a ledger entry does to accounts: the fold, written once for device, server and auditor.

An entry names its accounts in `rights`: one (pool, window, nano-USD) for each. Of a `settle` and
of an `adjust` upward every amount is the entry's own: a request costs the same in every pool it
matches. An `adjust` downward gives nothing back by itself (protocol study §3.2).
"""

from collections.abc import Iterable, MutableMapping, Sequence
from typing import NamedTuple

from agentspend.core.allowance.accounts import EMPTY, Account, Place


class Right(NamedTuple):
    """One account an entry names, and the amount that goes with it."""

    pool: str
    window: int
    amount_nusd: int


class Effect(NamedTuple):
    """One account's change."""

    place: Place
    used_nusd: int = 0
    returned_nusd: int = 0
    closes: bool = False


class Sums:
    """What a run of entries does to each account it names."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int], list[int]] = {}
        self._entries = 0

    def add(self, kind: str, amount_nusd: int, rights: Sequence[Sequence[object]]) -> None:
        """Fold in one entry; raises ValueError for rights no device would write."""
        charges = kind in ("settle", "adjust")
        if not charges and kind not in ("return", "close") and rights:
            raise ValueError(f"a {kind} entry names no rights")
        charged_nusd = max(amount_nusd, 0) if charges else 0
        self._entries += 1
        sums = self._sums
        for pool, window, nusd in rights:
            if (
                type(pool) is not str
                or type(window) is not int
                or type(nusd) is not int
                or nusd < 0
            ):
                raise ValueError(f"{pool!r}, {window!r}, {nusd!r} is not a right")
            if charges and nusd != charged_nusd:
                raise ValueError(f"{nusd} is charged to {pool}, and the entry says {amount_nusd}")
            found = sums.get((pool, window))
            if found is None:
                found = sums[pool, window] = [0, 0, 0, 0]
            if found[3] == self._entries:
                raise ValueError("an entry names the same account twice")
            found[3] = self._entries
            if charges:
                found[0] += nusd
            elif kind == "return":
                found[1] += nusd
            else:
                found[2] = 1

    def effects(self) -> list[Effect]:
        """One change for each account."""
        return [
            Effect(Place(*place), used_nusd, returned_nusd, bool(closes))
            for place, (used_nusd, returned_nusd, closes, _) in self._sums.items()
        ]


def effects(kind: str, amount_nusd: int, rights: Sequence[Sequence[object]]) -> list[Effect]:
    """The changes of one entry; raises ValueError for rights no device would write."""
    sums = Sums()
    sums.add(kind, amount_nusd, rights)
    return sums.effects()


def apply(accounts: MutableMapping[Place, Account], changes: Iterable[Effect]) -> None:
    """Fold changes into the accounts they name."""
    for place, used_nusd, returned_nusd, closes in changes:
        before = accounts.get(place, EMPTY)
        accounts[place] = before.after(used_nusd, returned_nusd, closes=closes)
