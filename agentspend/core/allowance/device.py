"""The device's rules that move money: hold, shrink, settle, return, close (R1-R5).

Every method is one durable transaction of its caller: the changes of `accounts` and `holds` and
the entry a method hands back are committed together, before anything is sent. The mappings may
be dicts or tables. What the server says comes in by `core.allowance.hearing`.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from agentspend.core.allowance.accounts import EMPTY, Account, Place
from agentspend.core.allowance.effects import Right, apply, effects
from agentspend.core.allowance.standing import Standing, State


@dataclass(frozen=True, slots=True)
class TeamHold:
    """A hold's part in the team's pools: the same amount in every place."""

    amount_nusd: int
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A ledger entry to append: its kind, and the fields that concern the team."""

    kind: str
    rights: tuple[Right, ...]
    amount_nusd: int | None = None


@dataclass(frozen=True, slots=True)
class Short:
    """R1 says no: this pool lacks `lacking_nusd` of rights here and now."""

    pool: str
    lacking_nusd: int


@dataclass(slots=True)
class Device:
    """The rights of one incarnation on this machine."""

    standing: Standing
    accounts: MutableMapping[Place, Account]
    holds: MutableMapping[str, TeamHold]

    def free_nusd(self, pool: str) -> int:
        """What a new hold may take in this pool's running window."""
        window = self.standing.windows.get(pool)
        if window is None or self.standing.state is not State.ACTIVE:
            return 0
        return self.accounts.get(Place(pool, window), EMPTY).free_nusd

    def reserve(self, rid: str, pools: Sequence[str], amount_nusd: int) -> Short | None:
        """R1: hold an amount in every pool at once, or in none and say which lacks most."""
        lacking = [Short(pool, amount_nusd - self.free_nusd(pool)) for pool in pools]
        worst = max(lacking, key=lambda short: short.lacking_nusd, default=None)
        if worst is not None and (
            worst.lacking_nusd > 0 or self.standing.state is not State.ACTIVE
        ):
            return worst
        places = tuple(Place(pool, self.standing.windows[pool]) for pool in pools)
        self._hold(places, amount_nusd)
        self.holds[rid] = TeamHold(amount_nusd, places)
        return None

    def shrink(self, rid: str, amount_nusd: int) -> None:
        """Lower a hold to what the request can still cost. Never raises one."""
        hold = self.holds[rid]
        if amount_nusd < hold.amount_nusd:
            self._hold(hold.places, amount_nusd - hold.amount_nusd)
            self.holds[rid] = TeamHold(amount_nusd, hold.places)

    def settle(self, rid: str, amount_nusd: int) -> Draft:
        """R2: end a hold in a charge, in the windows it was held in. Once for each hold.

        An amount above the hold is charged truthfully: the account is overrun.
        """
        hold = self.holds.pop(rid)
        self._hold(hold.places, -hold.amount_nusd)
        rights = tuple(Right(place.pool, place.window, amount_nusd) for place in hold.places)
        return self._written(Draft("settle", rights, amount_nusd))

    def release(self, rid: str) -> None:
        """End the hold of a request that provably never left this machine. No entry."""
        hold = self.holds.pop(rid)
        self._hold(hold.places, -hold.amount_nusd)

    def recover(self) -> list[tuple[str, Draft]]:
        """R3: after a crash every open hold is charged in full; answers (request, entry)."""
        return [(rid, self.settle(rid, self.holds[rid].amount_nusd)) for rid in list(self.holds)]

    def give_back(self, keep_nusd: Mapping[Place, int]) -> Draft | None:
        """R4: return what is free above these amounts. Committed before it is sent, never undone.

        A retiring device returns everything by closing instead.
        """
        rights = []
        for place, kept_nusd in keep_nusd.items():
            surplus_nusd = self.accounts.get(place, EMPTY).free_nusd - max(kept_nusd, 0)
            if surplus_nusd > 0:
                rights.append(Right(place.pool, place.window, surplus_nusd))
        if not rights or self.standing.state is State.DOUBT:
            return None
        return self._written(Draft("return", tuple(rights)))

    def close(self) -> Draft | None:
        """R5: close the accounts of past windows that hold nothing; all of them when retiring.

        Nothing is granted or spent in a closed account ever again.
        """
        if self.standing.state is State.DOUBT:
            return None
        rights = [
            Right(place.pool, place.window, 0)
            for place, account in self.accounts.items()
            if not account.closed and account.held_nusd == 0 and self._is_over(place)
        ]
        return self._written(Draft("close", tuple(rights))) if rights else None

    def _is_over(self, place: Place) -> bool:
        """Whether no hold will be taken here any more."""
        if self.standing.state is State.RETIRING:
            return True
        return place.window < self.standing.windows.get(place.pool, place.window)

    def _hold(self, places: Iterable[Place], amount_nusd: int) -> None:
        for place in places:
            account = self.accounts.get(place, EMPTY)
            self.accounts[place] = account.holding(amount_nusd)

    def _written(self, draft: Draft) -> Draft:
        """Fold an entry of our own into the accounts, by the very fold the server uses."""
        apply(self.accounts, effects(draft.kind, draft.amount_nusd or 0, draft.rights))
        return draft
