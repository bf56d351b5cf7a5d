"""The pools of a policy in the words of the books, and what was in flight before they came."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

import msgspec

from agentspend.core.allowance.pools import Pool
from agentspend.core.budgets import TEAM_PREFIX, Budget, Mode
from agentspend.core.scopes import Payer, Scope
from agentspend.core.windows import Window
from agentspend.store import holds, team
from agentspend.store.accounts import Account
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


def line_of(pool: Pool, account: Account) -> dict[str, object]:
    """A pool as people see it: its cap, and what of it this device has and took."""
    return {
        "name": pool.id,
        "team": pool.team,
        "scope": pool.scope.text(),
        "window": pool.window.text(),
        "mode": "warn" if pool.warns else "hard",
        "cap_nusd": pool.cap_nusd,
        "ours_nusd": account.limit_nusd,
        "spent_nusd": account.spent_nusd,
        "held_nusd": account.held_nusd,
        "free_nusd": account.free_nusd,
    }


def in_flight(
    conn: sqlite3.Connection,
    inc: str,
    pools: Sequence[Pool],
    counts_in: Callable[[Pool, Payer], bool],
) -> Iterator[tuple[Pool, Hold]]:
    """The billed holds that count in one of these pools, and have no share in any window of it."""
    flying = _billed(conn, {key for pool in pools for key, _ in pool.scope.terms})
    for pool in pools if flying else ():
        found = [
            hold for payer, holds in flying.items() if counts_in(pool, payer) for hold in holds
        ]
        shared = team.open_holds(conn, inc, pool.id) if found else ()
        yield from ((pool, hold) for hold in found if hold.rid not in shared)


def _billed(conn: sqlite3.Connection, keys: Set[str]) -> dict[Payer, list[Hold]]:
    """The billed holds by who pays, as far as the terms of pools ask: there may be many of both,
    and each meeting of the two costs time that a request waits."""
    asked = {"team", *keys, *(("provider",) if "model" in keys else ())} - {"tag"}
    found: defaultdict[Payer, list[Hold]] = defaultdict(list)
    for hold in holds.all_open(conn):
        kept = msgspec.json.decode(hold.body)
        if kept["counted"] == "billed":
            payer = Payer.from_known(kept["payer"])
            words = {name: getattr(payer, name) for name in asked}
            found[Payer(**words, tags=payer.tags)].append(hold)
    return found
