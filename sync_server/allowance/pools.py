"""A pool as the server keeps it: its cap, its running window, and what is committed there.

The sums are kept, not counted: a sync changes a few accounts and these numbers by as much, so its
cost does not grow with the number of devices. `tests/simulation/team` counts them again from all
accounts after every few steps.
"""

from dataclasses import dataclass, replace

from agentspend.core.allowance.accounts import Account


@dataclass(frozen=True, slots=True)
class PoolState:
    """One pool; amounts in nano-USD.

    `committed_nusd` and `outstanding_nusd` are sums over the accounts of the running window,
    `past_nusd` is the sum of what is outstanding in earlier ones. `late_nusd` is what was spent
    with earlier windows' rights and first heard of in this one: it may have been spent in this
    one, and no device's clock is believed when it says otherwise (protocol study §2.5).
    `reserve_nusd` is kept for an emergency: nothing of it is granted before it is drawn.
    """

    id: str
    cap_nusd: int
    window: int
    ends_us: int | None = None
    committed_nusd: int = 0
    outstanding_nusd: int = 0
    past_nusd: int = 0
    late_nusd: int = 0
    reserve_nusd: int = 0

    @property
    def holdback_nusd(self) -> int:
        """What earlier windows may still take out of, or have taken out of, this one."""
        return self.past_nusd + self.late_nusd

    @property
    def available_nusd(self) -> int:
        """What may still be granted; below zero after the cap was lowered."""
        return self.cap_nusd - self.committed_nusd - self.holdback_nusd - self.reserve_nusd

    def changed(self, window: int, before: Account, after: Account) -> "PoolState":
        """One account of this pool went from one value to another."""
        owed_nusd = after.outstanding_nusd - before.outstanding_nusd
        if window == self.window:
            committed_nusd = after.committed_nusd - before.committed_nusd
            return replace(
                self,
                committed_nusd=self.committed_nusd + committed_nusd,
                outstanding_nusd=self.outstanding_nusd + owed_nusd,
            )
        return replace(
            self,
            past_nusd=self.past_nusd + owed_nusd,
            late_nusd=self.late_nusd + _late_nusd(before, after),
        )

    def rolled(self, window: int, ends_us: int | None) -> "PoolState":
        """The next window begins. What is outstanding goes on being held back. Never backward."""
        if window <= self.window:
            return self
        return replace(
            self,
            window=window,
            ends_us=ends_us,
            committed_nusd=0,
            outstanding_nusd=0,
            past_nusd=self.past_nusd + self.outstanding_nusd,
            late_nusd=0,
        )

    def with_cap(self, cap_nusd: int) -> "PoolState":
        """A new cap. Below what is committed nothing is granted until enough has come back."""
        return replace(self, cap_nusd=cap_nusd)

    def charged_late(self, amount_nusd: int) -> "PoolState":
        """Count spending that belongs to no account of ours (the other branch of a fork)."""
        return replace(self, late_nusd=self.late_nusd + amount_nusd)


def _late_nusd(before: Account, after: Account) -> int:
    """How much an earlier window's account adds to this window's charge.

    Writing an account off charges all that was outstanding, so later reports add nothing but what
    they tell of spending above its rights.
    """
    if before.written_off:
        charged_nusd = max(before.used_nusd, before.granted_nusd - before.returned_nusd)
        return max(0, after.used_nusd - charged_nusd)
    if after.written_off:
        return before.outstanding_nusd
    return after.used_nusd - before.used_nusd
