"""The provider: it alone knows what was spent, and by whose rights. I1, I4 and I5 at every bill."""

from collections import defaultdict
from collections.abc import Iterable

from agentspend.core.allowance.accounts import Account, Place
from sync_server.allowance.pools import PoolState


class Violation(AssertionError):
    """An invariant does not hold."""


class Truth:
    """What was really billed, against what may be spent.

    `allowed_rights` bounds what is spent with the rights of one window; `allowed_calendar` what is
    spent while a window runs, with whatever rights. Both are the cap, or what was committed when
    the cap was last lowered, or what was already held back when the window began; `over_…` is what
    was billed above its hold, which no rule can prevent and every rule must survive.
    """

    def __init__(self) -> None:
        self.spent_rights: dict[Place, int] = defaultdict(int)
        self.spent_calendar: dict[Place, int] = defaultdict(int)
        self.spent_by: dict[tuple[str, Place], int] = defaultdict(int)
        self.allowed_rights: dict[Place, int] = {}
        self.allowed_calendar: dict[Place, int] = {}
        self.over_rights: dict[Place, int] = defaultdict(int)
        self.over_calendar: dict[Place, int] = defaultdict(int)
        self.overrun: dict[tuple[str, Place], int] = defaultdict(int)
        self.trusted: set[tuple[str, Place]] = set()
        self.billed = 0

    def opens(self, pool: PoolState, cap_nusd: int) -> None:
        """A window begins, or a lead said this cap."""
        place = Place(pool.id, pool.window)
        self.allowed_rights[place] = max(cap_nusd, pool.committed_nusd)
        self.allowed_calendar[place] = max(cap_nusd, pool.committed_nusd + pool.holdback_nusd)

    def bill(
        self,
        inc: str,
        places: Iterable[Place],
        amount: int,
        over: int,
        pools: dict[str, PoolState],
        committed: dict[Place, Account],
    ) -> None:
        """The provider charges for a request now; `over` of it is above its hold (A1 broken)."""
        self.billed += 1
        for place in places:
            running = Place(place.pool, pools[place.pool].window)
            self.spent_rights[place] += amount
            self.spent_by[inc, place] += amount
            if over:
                self.overrun[inc, place] += over
                self.over_rights[place] += over
                self.over_calendar[running] += over
            if (inc, place) not in self.trusted:
                self.spent_calendar[running] += amount
            self._check(inc, place, running, committed.get(place))

    def bill_twin(
        self,
        inc: str,
        places: Iterable[Place],
        amount: int,
        over: int,
        lives: int,
        committed: dict[Place, Account],
    ) -> None:
        """A virtual machine that was thawed again has spent, as one of so many lives.

        Each life spends at most what was granted once: that is the bound, not the cap.
        """
        self.billed += 1
        for place in places:
            self.spent_by[inc, place] += amount
            self.overrun[inc, place] += over
            account = committed.get(place)
            granted = account.granted_nusd if account else 0
            allowed = lives * granted + self.overrun[inc, place]
            if self.spent_by[inc, place] > allowed:
                raise Violation(f"I5: {lives} lives of {inc} spent {self.spent_by[inc, place]} in"
                                f" {place}, {allowed} allowed")  # fmt: skip

    def _check(self, inc: str, place: Place, running: Place, account: Account | None) -> None:
        spent = self.spent_rights[place]
        allowed = self.allowed_rights[place] + self.over_rights[place]
        if spent > allowed:
            raise Violation(f"I1: {spent} spent with the rights of {place}, {allowed} allowed")
        spent = self.spent_calendar[running]
        allowed = self.allowed_calendar[running] + self.over_calendar[running]
        if spent > allowed:
            raise Violation(f"I4: {spent} spent while {running} ran, {allowed} allowed")
        spent = self.spent_by[inc, place]
        allowed = (account.committed_nusd if account else 0) + self.overrun[inc, place]
        if spent > allowed:
            raise Violation(f"I5: {inc} spent {spent} in {place}, {allowed} is committed")
