"""For whom nobody waits: pools of which no more can be had for a while.

A request that lacks nothing but allowance waits for the server's answer. When that brought nothing,
or there was no answer, the next one would wait in vain.
"""

from collections.abc import Iterable, Mapping, Sequence

from agentspend.core.allowance.messages import Answer, Lacking, Want

AWAY_US = 5_000_000
DRY_US = 60_000_000
UNHEARD_US = 5_000_000
"""How long a pool is dry while no line to the server is open: nobody would say that there is more.
"""
MOST_TRIES = 8
"""How often more is asked for that is said to be coming, until it came."""


class Dryness:
    """Since when each pool is dry, on the monotonic clock, and until when at most.

    `listens`: a line to the server is open, on which it says when there may be more.
    """

    def __init__(self) -> None:
        self.listens = False
        self._dry_us: dict[str, tuple[int, int]] = {}
        self._away_until_us = 0
        self._tries: dict[str, int] = {}

    def is_dry(self, pool: str, mono_us: int) -> bool:
        """Whether waiting for more of this pool is in vain."""
        if mono_us < self._away_until_us:
            return True
        since_us, until_us = self._dry_us.get(pool, (0, 0))
        return mono_us < (until_us if self.listens else min(until_us, since_us + UNHEARD_US))

    def away(self, mono_us: int) -> None:
        """The server is away: no more of anything."""
        self._away_until_us = mono_us + AWAY_US

    def returned(self, pools: Iterable[str]) -> None:
        """Something was given back there: as much can be had again."""
        for pool in pools:
            self._dry_us.pop(pool, None)

    def forget(self) -> None:
        """Another policy is in force: where a cap was changed there may be more again."""
        self._dry_us.clear()
        self._tries.clear()

    def answered(
        self,
        answer: Answer,
        asked: Sequence[Want],
        free_nusd: Mapping[str, int],
        mono_us: int,
        policy: int = 0,
    ) -> bool:
        """An answer came: what was `asked` for and still lacks is dry, if the server says so; what
        was not asked for stays as it was.

        True: more is on its way (or was granted, and taken by another request at once; or this
        answer is older than the `policy` in force, and so does not know what there is by now), ask
        again in a moment. No pool is dry beyond its window.
        """
        lacking = [
            want.pool
            for want in asked
            if want.pool in free_nusd and free_nusd[want.pool] < want.need_nusd
        ]
        told_dry = {told.pool for told in answer.accounts if told.lacking is Lacking.DRY}
        dry = told_dry if answer.policy >= policy else set()
        for want in asked:
            tries = self._tries.pop(want.pool, 0)
            if want.pool in lacking:
                self._tries[want.pool] = tries + 1
        coming = {pool for pool in lacking if pool not in dry and self._tries[pool] <= MOST_TRIES}
        left_us = {
            told.pool: told.ends_us - answer.server_us
            for told in answer.accounts
            if told.ends_us is not None
        }
        self._away_until_us = 0
        for want in asked:
            self._dry_us.pop(want.pool, None)
            if want.pool in lacking and want.pool not in coming:
                dry_us = max(0, min(DRY_US, left_us.get(want.pool, DRY_US)))
                self._dry_us[want.pool] = mono_us, mono_us + dry_us
        return bool(coming)
