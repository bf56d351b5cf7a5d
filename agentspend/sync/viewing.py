"""How the team stands, as its server told it last: asked for only while somebody looks.

Nothing here decides anything: without it every budget holds all the same.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from agentspend.bookkeeper.membership import Membership
from agentspend.core.allowance.messages import Look, Overview, PoolSeen
from agentspend.sync.client import NotTaken, TeamClient, Unreachable
from agentspend.sync.pump import NONCE_BYTES

EVERY_S, APART_S = 10.0, 2.0
"""Between two looks; however much happens, thirty a minute at most of the sixty a device may."""
FRESH_S = 60.0
"""For so long an answer says what may still be had."""
SERVER_TOO_OLD_S = 300.0


class Viewing:
    """`seen` is the last answer, None before the first. `is_watched` says whether anybody looks."""

    def __init__(
        self,
        client: TeamClient,
        membership: Membership,
        is_watched: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called when an answer says something else than the one before."""
        self._client = client
        self._membership = membership
        self._is_watched = is_watched
        self._changed = changed
        self._nudged = asyncio.Event()
        self.seen: Overview | None = None
        self._seen_s = 0.0

    @property
    def pools(self) -> dict[str, PoolSeen]:
        """Each pool as the server has it, by name; none where that was too long ago."""
        if self.seen is None or self._is_older(FRESH_S):
            return {}
        return {pool.pool: pool for pool in self.seen.pools}

    @property
    def is_new(self) -> bool:
        """Whether the last answer is so new that asking again is for nothing."""
        return self.seen is not None and not self._is_older(APART_S)

    def _is_older(self, s: float) -> bool:
        return asyncio.get_running_loop().time() - self._seen_s > s

    def nudge(self) -> None:
        """Something happened in the team, or somebody began to look: ask soon."""
        self._nudged.set()

    async def run(self) -> None:
        """Ask now and then until cancelled, while somebody looks."""
        while True:
            self._nudged.clear()
            wait_s = EVERY_S
            if self._is_watched():
                try:
                    await self.look()
                except Unreachable:
                    pass
                except NotTaken:
                    wait_s = SERVER_TOO_OLD_S
                await asyncio.sleep(APART_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._nudged.wait()

    async def look(self) -> Overview:
        """Ask once. Raises `Unreachable` or `NotTaken`."""
        nonce, before = secrets.token_hex(NONCE_BYTES), self.seen
        own = self._membership
        self.seen = seen = await self._client.look(Look(own.team, own.device, nonce))
        self._seen_s = asyncio.get_running_loop().time()
        if before is None or _facts(before) != _facts(seen):
            self._changed()
        return seen


def _facts(seen: Overview) -> tuple[object, ...]:
    """What people see of it; not when it was asked for."""
    return (seen.role, seen.frozen, seen.pools, seen.questions, seen.left_out)


def overview_words(seen: Overview) -> dict[str, Any]:
    """How the team stands, as JSON: pools with who spends there, and the open questions."""
    told: dict[str, Any] = msgspec.to_builtins(seen)
    return {name: told[name] for name in ("server_us", "role", "pools", "questions", "left_out")}
