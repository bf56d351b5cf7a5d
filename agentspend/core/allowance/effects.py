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


def effects(kind: str, amount_nusd: int, rights: Iterable[Sequence[object]]) -> list[Effect]:
    """The changes of one entry; raises ValueError for rights no device would write."""
    found = []
    for pool, window, nusd in rights:
        if type(pool) is not str or type(window) is not int or type(nusd) is not int or nusd < 0:
            raise ValueError(f"{pool!r}, {window!r}, {nusd!r} is not a right")
        place = Place(pool, window)
        if kind == "settle" or kind == "adjust":
            if nusd != max(amount_nusd, 0):
                raise ValueError(f"{nusd} is charged to {pool}, and the entry says {amount_nusd}")
            found.append(Effect(place, used_nusd=nusd))
        elif kind == "return":
            found.append(Effect(place, returned_nusd=nusd))
        elif kind == "close":
            found.append(Effect(place, closes=True))
        else:
            raise ValueError(f"a {kind} entry names no rights")
    if len(found) > 1 and len({effect.place for effect in found}) != len(found):
        raise ValueError("an entry names the same account twice")
    return found


def apply(accounts: MutableMapping[Place, Account], changes: Iterable[Effect]) -> None:
    """Fold changes into the accounts they name."""
    for place, used_nusd, returned_nusd, closes in changes:
        before = accounts.get(place, EMPTY)
        accounts[place] = before.after(used_nusd, returned_nusd, closes=closes)
