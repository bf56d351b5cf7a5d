"""Emergency reserves: a part of a cap that is granted only after somebody drew it, saying why.

They are kept with the organisation's rules. A reserve is whole again in each window; it is drawn
whole. It only ever takes from what may be granted, so no cap rests on it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agentspend.core.errors import AgentspendError
from sync_server.allowance.pools import PoolState

NEVER = -1


class NotDrawn(AgentspendError):
    """There is no reserve, or it has been drawn in this window."""


def all_of(rules: str) -> list[dict[str, Any]]:
    """The reserves of an organisation: `pool`, `nusd`, and the window it was drawn in last."""
    found: list[dict[str, Any]] = json.loads(rules).get("reserves", [])
    return found


def kept_back(rules: str, pools: Mapping[str, PoolState]) -> dict[str, PoolState]:
    """The pools that have a reserve which is not drawn, without it."""
    return {
        each["pool"]: replace(pools[each["pool"]], reserve_nusd=int(each["nusd"]))
        for each in all_of(rules)
        if each["pool"] in pools and each["window"] != pools[each["pool"]].window
    }


def with_reserve(rules: str, pool: str, nusd: int | None) -> dict[str, Any]:
    """The rules with another reserve of a pool (None: without one)."""
    before = {each["pool"]: each for each in all_of(rules)}
    drawn = before.get(pool, {}).get("window", NEVER)
    kept = [each for name, each in before.items() if name != pool]
    if nusd:
        kept.append({"pool": pool, "nusd": nusd, "window": drawn, "by": "", "why": ""})
    return {**json.loads(rules), "reserves": kept}


def drawn(rules: str, state: PoolState, who: str, why: str) -> dict[str, Any]:
    """The rules with a pool's reserve drawn in its running window. Raises `NotDrawn`."""
    found = next((each for each in all_of(rules) if each["pool"] == state.id), None)
    if found is None:
        raise NotDrawn(f"{state.id} has no reserve", "agentspend team request AMOUNT --reason WHY")
    if found["window"] == state.window:
        raise NotDrawn(
            f"the reserve of {state.id} was drawn by {found['by']} in this window",
            "agentspend team request AMOUNT --reason WHY",
        )
    others = [each for each in all_of(rules) if each["pool"] != state.id]
    mine = {**found, "window": state.window, "by": who, "why": why}
    return {**json.loads(rules), "reserves": [*others, mine]}
