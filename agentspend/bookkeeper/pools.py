"""The pools of a policy in the words of the books, and what was in flight before they came."""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from agentspend.core.allowance.pools import Pool
from agentspend.core.budgets import TEAM_PREFIX, Budget, Mode
from agentspend.core.scopes import Payer, Scope
from agentspend.core.windows import Window
from agentspend.store import holds, team
from agentspend.store.holds import Hold


def pool_of(told: Mapping[str, Any]) -> Pool:
    """A pool as a policy writes it: `id`, `scope`, `window`, `cap_nusd`, `team`."""
    return Pool(
        id=str(told["id"]),
        scope=Scope.of(told.get("scope") or {}),
        window=Window.parse(str(told["window"])),
        cap_nusd=int(told["cap_nusd"]),
        warns=told.get("mode") == Mode.WARN.value,
        team=str(told.get("team", "")),
    )


def budget_of(pool: Pool) -> Budget:
    """A pool in the words of a budget: what admission and refusals speak of.

    Its scope is without the terms that mean this device or its member: here they always hold.
    """
    terms = {key: value for key, value in pool.scope.terms if key not in ("member", "device")}
    return Budget(
        name=f"{TEAM_PREFIX}{pool.id}",
        limit_nusd=pool.cap_nusd,
        window=pool.window,
        scope=Scope.of(terms),
        mode=Mode.WARN if pool.warns else Mode.HARD,
    )


def in_flight(conn: sqlite3.Connection, inc: str, pool: str) -> Iterator[tuple[Hold, Payer]]:
    """The billed holds with no share in any window of a pool, and who pays for each."""
    shared = set(team.open_holds(conn, inc, pool))
    for hold in holds.all_open(conn):
        kept = msgspec.json.decode(hold.body)
        if hold.rid not in shared and kept["counted"] == "billed":
            yield hold, Payer.from_known(kept["payer"])
