"""One account: the rights of one incarnation in one window of one pool.

The same value stands on both sides. `held_nusd` is the device's alone, `written_off` the server's.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """Where a request counts: a pool, and the index of one of its windows (it only grows)."""

    pool: str
    window: int


@dataclass(frozen=True, slots=True)
class Account:
    """The counters g, r and u of an account, in nano-USD.

    `closed`: the device has signed that it will spend nothing more here. `written_off`: a lead
    has declared that what is left here counts as spent.
    """

    granted_nusd: int = 0
    returned_nusd: int = 0
    used_nusd: int = 0
    closed: bool = False
    held_nusd: int = 0
    written_off: bool = False

    @property
    def committed_nusd(self) -> int:
        """The most that was or will be spent here, as far as the reader knows."""
        if self.closed:
            return self.used_nusd
        return max(self.granted_nusd - self.returned_nusd, self.used_nusd)

    @property
    def outstanding_nusd(self) -> int:
        """What may still be spent here without the server hearing of it first."""
        if self.closed or self.written_off:
            return 0
        return max(self.granted_nusd - self.returned_nusd - self.used_nusd, 0)

    @property
    def free_nusd(self) -> int:
        """What a new hold may take; below zero after an overrun."""
        if self.closed:
            return 0
        return self.granted_nusd - self.returned_nusd - self.used_nusd - self.held_nusd

    def holding(self, amount_nusd: int) -> "Account":
        """R1: with this much more held; a negative amount takes a hold back."""
        return Account(
            self.granted_nusd,
            self.returned_nusd,
            self.used_nusd,
            self.closed,
            self.held_nusd + amount_nusd,
            self.written_off,
        )

    def granted(self, granted_nusd: int) -> "Account":
        """R8, R9: with this much granted in all. A smaller number is an old message."""
        if self.closed or granted_nusd <= self.granted_nusd:
            return self
        return Account(
            granted_nusd,
            self.returned_nusd,
            self.used_nusd,
            self.closed,
            self.held_nusd,
            self.written_off,
        )

    def after(self, used_nusd: int, returned_nusd: int, *, closes: bool) -> "Account":
        """With one ledger entry's effect folded in (`core.allowance.effects`)."""
        return Account(
            self.granted_nusd,
            self.returned_nusd + returned_nusd,
            self.used_nusd + used_nusd,
            self.closed or closes,
            self.held_nusd,
            self.written_off,
        )


EMPTY = Account()
