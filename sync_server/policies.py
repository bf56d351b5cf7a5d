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
from sync_server.roles import Role
from sync_server.store import cases
from sync_server.store.tables import devices, members, teams

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
    """The canonical text of a device's policy. Raises `NoResultFound` for an unknown device.

    It is the home team's, with those of the member's other teams in `teams`: each with its own
    pools, and all its rules. A pool, a model rule and a rate that are one team's own name it.
    `role` is there for a viewer, whose devices spend nothing, also where no cap asks for rights.
    """
    who = conn.execute(
        select(devices.c.id, devices.c.member, members.c.team, members.c.tier, members.c.role)
        .join(devices, devices.c.member == members.c.id)
        .where(devices.c.id == device)
    ).one()
    above = cases.pools_above(conn, org.id, device)
    found = conn.execute(select(teams).where(teams.c.id.in_(above.belongs.teams)))
    rows = {row.id: row for row in found}
    shared = [row for row in above.rows if row.team in (None, who.team)]
    further = [
        _part(org, rows[name], who, [row for row in above.rows if row.team == name])
        for name in sorted(rows.keys() - {who.team})
    ]
    return canonical(
        {
            "v": 1,
            "type": DOMAIN,
            "version": org.policy,
            **({"role": who.role} if who.role == Role.VIEWER else {}),
            **_part(org, rows[who.team], who, shared),
            **({"teams": further} if further else {}),
        }
    )


def _part(org: Row[Any], team: Row[Any], who: Any, rows: list[Row[Any]]) -> dict[str, object]:
    """What holds for one team's sessions of `who`: a device, its member, and their tier."""
    shared, own = json.loads(org.rules), json.loads(team.rules)
    prices = [*shared.get("prices", ()), *own.get("prices", ())]
    both = (("", shared), (team.id, own))
    return {
        "team": team.id,
        "pools": [_pool(row, shared, own) for row in rows],
        "models": [*_of("models", who, *both), *_tier(who.tier, *both)],
        "rates": _of("rates", who, *both),
        "frozen": bool(org.frozen or team.frozen),
        **({"prices": prices} if prices else {}),
        "loop_guard": own.get("loop_guard") or shared.get("loop_guard") or _NO_GUARD,
    }


_NO_GUARD = {"repeats": 0, "within_s": 0}
_Whose = tuple[str, Mapping[str, Any]]
"""Rules, and the team whose own they are ("": everybody's)."""


def _of(name: str, who: Any, *rules: _Whose) -> list[Any]:
    return [
        _marked(rule, team)
        for team, each in rules
        for rule in each.get(name, [])
        if _concerns(rule.get("scope") or {}, who)
    ]


def _concerns(scope: Mapping[str, str], who: Any) -> bool:
    """Whether a rule can ever be this device's: not one that names somebody else, or another
    machine. The device reads its rules by the same terms, so one that is left out never held."""
    return (scope.get("member", who.member), scope.get("device", who.id)) == (who.member, who.id)


def _tier(tier: str, *rules: _Whose) -> list[Any]:
    """The model rules of a member's tier, everybody's and the team's."""
    found = [(each.get("tiers", {}).get(tier), team) for team, each in rules]
    return [_marked({"scope": {}, **rule}, team) for rule, team in found if rule]


def _marked(rule: Mapping[str, Any], team: str) -> dict[str, Any]:
    return {**rule, "team": team} if team else dict(rule)


def _pool(row: Row[Any], shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, object]:
    """A pool as its devices are told of it. One that only warns asks for no rights: what is spent
    in it is counted as it is reported (`sync_server.unheld`)."""
    warns = WARN in (shared.get("stage"), own.get("stage") if row.team else None)
    return {
        **({"mode": WARN} if warns else {}),
        **({"team": row.team} if row.team else {}),
        "id": row.id,
        "name": row.id,
        "level": level_of(row),
        "scope": json.loads(row.scope),
        "window": row.kind,
        "cap_nusd": row.cap_nusd,
    }
