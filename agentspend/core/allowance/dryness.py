"""For whom nobody waits: pools of which no more can be had for a while.

A request that lacks nothing but allowance waits for the server's answer. When that brought nothing,
or there was no answer, the next one would wait in vain.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from agentspend.core.allowance.messages import Answer, Lacking, Told, Want

AWAY_US = 5_000_000
DRY_US = 60_000_000
UNHEARD_US = 5_000_000
"""How long a pool is dry while no line to the server is open: nobody would say that there is more.
"""
COMING_US, LAST_COMING_US = 1_000_000, 6_000_000
"""How long what is said to be coming is waited for before it is asked for again: ever longer."""
COMES_WITHIN_US = 15_000_000
"""What has not come by then is not waited for any more: it lies on devices that do not answer."""
SURPLUS_US = 1_000_000
"""When to report again where a request was refused for lack of allowance, though some lies here
that was granted for it: the server asks for that back, before this device falls asleep on it."""


class Coming(NamedTuple):
    """More of a pool is on its way: since when it is asked for, when it was asked for last, and
    until when whoever waits need not ask again, for that is done in time."""

    since_us: int
    asked_us: int
    rests_us: int


class Dryness:
    """Since when each pool is dry, on the monotonic clock, and until when at most.

    `listens`: a line to the server is open, on which it says when there may be more.
    """

    def __init__(self) -> None:
        self.listens = False
        self._dry_us: dict[str, tuple[int, int]] = {}
        self._scant_us: dict[str, tuple[int, int]] = {}
        self._away_until_us = 0
        self._coming: dict[str, Coming] = {}
        self._gives_back_us: dict[str, int] = {}

    def is_dry(self, pool: str, mono_us: int) -> bool:
        """Whether waiting for more of this pool is in vain."""
        return mono_us < self._away_until_us or self._holds(self._dry_us, pool, mono_us)

    def is_scant(self, pool: str, mono_us: int) -> bool:
        """Whether there is not enough of this pool for comfort: ask for the least that will do."""
        return self._holds(self._scant_us, pool, mono_us)

    def _holds(self, told_us: Mapping[str, tuple[int, int]], pool: str, mono_us: int) -> bool:
        since_us, until_us = told_us.get(pool, (0, 0))
        return mono_us < (until_us if self.listens else min(until_us, since_us + UNHEARD_US))

    def is_coming(self, pool: str, mono_us: int) -> bool:
        """Whether more of this pool was asked for a moment ago, and will be again in time: asking
        in between would bring nothing."""
        found = self._coming.get(pool)
        return found is not None and mono_us < found.rests_us

    def away(self, mono_us: int) -> None:
        """The server is away: no more of anything."""
        self._away_until_us = mono_us + AWAY_US

    def returned(self, pools: Iterable[str]) -> None:
        """Something was given back there: as much can be had again."""
        for pool in pools:
            self._dry_us.pop(pool, None)
            self._scant_us.pop(pool, None)

    def forget(self) -> None:
        """Another policy is in force: where a cap was changed there may be more again."""
        self._dry_us.clear()
        self._scant_us.clear()
        self._coming.clear()

    def answered(
        self,
        answer: Answer,
        asked: Sequence[Want],
        free_nusd: Mapping[str, int],
        mono_us: int,
        policy: int = 0,
    ) -> int:
        """An answer came: what was `asked` for and still lacks is scant, and then dry, if the
        server says so; what was not asked for stays as it was.

        Returns after how long to ask again, 0 for not at all: more is on its way (or was granted,
        and taken by another request at once; or this answer is older than the `policy` in force,
        and so does not know what there is by now), or a part lies here in vain. No pool is dry
        beyond its window.
        """
        lacking = [
            want.pool
            for want in asked
            if want.pool in free_nusd and free_nusd[want.pool] < want.need_nusd
        ]
        told = {told.pool: told for told in answer.accounts}
        self._away_until_us = 0
        again_us = 0
        for want in asked:
            pool = want.pool
            since_us, asked_us, _ = self._coming.pop(pool, Coming(mono_us, mono_us, 0))
            was_dry = self.is_dry(pool, mono_us)
            self._dry_us.pop(pool, None)
            if pool not in lacking:
                continue
            said = told[pool].lacking if pool in told else Lacking.NOTHING
            none_us = mono_us, mono_us + _dry_us(told.get(pool), answer.server_us)
            none = said is Lacking.DRY and answer.policy >= policy
            if mono_us - asked_us > COMES_WITHIN_US:
                since_us = mono_us
            waited_us = mono_us - since_us
            if (none and self.is_scant(pool, mono_us)) or waited_us >= COMES_WITHIN_US:
                self._dry_us[pool] = none_us
                if free_nusd[pool] > 0 and not was_dry:
                    wait_us = self._gives_back_in_us(pool, mono_us)
                    again_us = min(again_us or wait_us, wait_us)
                continue
            if none:
                self._scant_us[pool] = none_us
            wait_us = max(COMING_US, min(LAST_COMING_US, waited_us))
            rests_us = mono_us + wait_us + COMING_US if said is Lacking.COMING else mono_us
            self._coming[pool] = Coming(since_us, mono_us, rests_us)
            again_us = min(again_us or wait_us, wait_us)
        return again_us

    def _gives_back_in_us(self, pool: str, mono_us: int) -> int:
        """Soon, but not for each try of an agent that asks again and again."""
        at_us = self._gives_back_us.get(pool, mono_us - DRY_US)
        if at_us <= mono_us:
            at_us = max(mono_us + SURPLUS_US, at_us + DRY_US)
        self._gives_back_us[pool] = at_us
        return at_us - mono_us


def _dry_us(told: Told | None, server_us: int) -> int:
    """How long a pool is dry, at most until its window ends."""
    if told is None or told.ends_us is None:
        return DRY_US
    return max(0, min(DRY_US, told.ends_us - server_us))
