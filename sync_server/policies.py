"""What is in force for one device, as one signed document: its pools, models, rates, freezes.

A device is told only what can concern it. Rules are kept as canonical JSON of the organisation and
of each team: `models`, `rates`, `loop_guard`, and `tiers` (a member's tier → its model rule).
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from agentspend.wire.canonical import canonical
from sync_server.allowance.journal import Filed
from sync_server.store import cases
from sync_server.store.tables import devices, members, pools, teams

DOMAIN = "policy"
WARN = "warn"
OWN_TERMS = ("member", "device")


def next_version(org: Row[Any], changes: Mapping[str, object]) -> Filed:
    """The organisation's row with a new policy number."""
    row = {name: getattr(org, name) for name in ("id", "name", "zone", "rules", "frozen")}
    return Filed("org", {**row, "policy": org.policy + 1, **changes})


def level_of(row: Any) -> str:
    """Which level a pool stands on: its narrowest term names it."""
    scope = json.loads(row.scope)
    for key in ("tag", "project", "device", "member"):
        if key in scope:
            return key
    return "org" if row.team is None else "team"


def document(conn: Connection, org: Row[Any], device: str) -> bytes:
    """The canonical text of a device's policy. Raises `NoResultFound` for an unknown device."""
    who = conn.execute(
        select(members.c.team, members.c.tier, teams.c.rules, teams.c.frozen)
        .join(devices, devices.c.member == members.c.id)
        .join(teams, teams.c.id == members.c.team)
        .where(devices.c.id == device)
    ).one()
    shared, own = json.loads(org.rules), json.loads(who.rules)
    found = cases.pool_states(conn, org.id, device)
    rows = conn.execute(select(pools).where(pools.c.id.in_(found)).order_by(pools.c.id))
    return canonical(
        {
            "v": 1,
            "type": DOMAIN,
            "version": org.policy,
            "team": who.team,
            "pools": [_pool(row, shared, own) for row in rows],
            "models": [*_of("models", shared, own), *_tier(who.tier, shared, own)],
            "rates": _of("rates", shared, own),
            "frozen": bool(org.frozen or who.frozen),
            **({"prices": prices} if (prices := _of("prices", shared, own)) else {}),
            "loop_guard": own.get("loop_guard") or shared.get("loop_guard") or _NO_GUARD,
        }
    )


_NO_GUARD = {"repeats": 0, "within_s": 0}


def _of(name: str, *rules: Mapping[str, Any]) -> list[Any]:
    return [rule for each in rules for rule in each.get(name, [])]


def _tier(tier: str, *rules: Mapping[str, Any]) -> list[Any]:
    """The model rules of a member's tier, everybody's and the team's."""
    found = [each.get("tiers", {}).get(tier) for each in rules]
    return [{"scope": {}, **rule} for rule in found if rule]


def _pool(row: Row[Any], shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, object]:
    """A pool as its devices are told of it. One that only warns asks for no rights: what is spent
    in it is counted as it is reported (`sync_server.unheld`)."""
    warns = WARN in (shared.get("stage"), own.get("stage") if row.team else None)
    return {
        **({"mode": WARN} if warns else {}),
        "id": row.id,
        "name": row.id,
        "level": level_of(row),
        "scope": json.loads(row.scope),
        "window": row.kind,
        "cap_nusd": row.cap_nusd,
    }
