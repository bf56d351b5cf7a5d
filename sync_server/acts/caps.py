"""Caps: every one is a pool, of the organisation, a team, a member, a device, a project or a tag.

Several may stand above one request, with windows of their own; all of them must have room.
"""

import json
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection, Row, or_, select

from agentspend.core.errors import AgentspendError
from agentspend.core.money import MAX_NUSD, dollars
from agentspend.core.scopes import Scope
from agentspend.wire.canonical import canonical
from sync_server import clock, visibility
from sync_server.acts.act import EVERYONE, Act, Caller, Done, Moment
from sync_server.acts.finding import found
from sync_server.allowance.journal import Filed, Line, Opened
from sync_server.allowance.pools import PoolState
from sync_server.allowance.windows import first
from sync_server.policies import level_of
from sync_server.roles import Role
from sync_server.store import cases, people
from sync_server.store.tables import devices, members, pools, teams

LONGEST_ID = 64
Kind = Literal["day", "week", "month", "total"]
Level = Literal["org", "team", "member", "device", "project", "tag"]
Text = Annotated[str, msgspec.Meta(max_length=200)]
Nusd = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUSD)]


class Cap(msgspec.Struct, forbid_unknown_fields=True):
    """`name` is the team, member, device, project or tag; `team` narrows a project or tag to one.

    `cap_nusd` null takes the cap away.
    """

    level: Level
    window: Kind
    cap_nusd: Nusd | None
    name: Text = ""
    team: Text = ""


class Of(msgspec.Struct, forbid_unknown_fields=True):
    """The caps of a team and above it, or all."""

    team: Text = ""


def _set(conn: Connection, org: Row[Any], told: Cap, moment: Moment) -> Done:
    team, member, scope = _whose(conn, told)
    name = pool_name(told, team)
    known = conn.execute(select(pools).where(pools.c.id == name)).one_or_none()
    active = told.cap_nusd is not None
    if known is None and not active:
        raise AgentspendError(f"there is no cap {name}", "agentspend-server org show")
    if known is not None and not _is_same(known, team, member, scope):
        raise AgentspendError(
            f"the name {name} is that of another cap: team {known.team or 'none'}, {known.scope}",
            "a team with other dots in its name would have a cap of its own",
        )
    decided: list[Line] = [
        Filed("pool", {
            "id": name, "org": org.id, "team": team, "member": member,
            "scope": canonical(scope).decode(),
            "kind": told.window, "active": active, "base_nusd": told.cap_nusd,
        })
    ]  # fmt: skip
    answer: dict[str, Any] = {"pool": name, "cap_nusd": told.cap_nusd, "note": ""}
    if told.cap_nusd is not None:
        at_us = clock.trusted_us(org.clock_us, moment.now_us)
        decided.append(first(name, told.cap_nusd, told.window, at_us, org.zone))
        if known is not None:
            state = cases.state_of(known)
            decided[-1] = _again(state.window, state.ends_us, decided[-1])
            answer["note"] = _passed(state.with_cap(told.cap_nusd), told.window)
    words = moment.words("cap.set", pool=name, cap_nusd=told.cap_nusd)
    concerns = _concerned(conn, team, member)
    return Done(answer, decided, words, policy=True, concerns=concerns)


def _passed(state: PoolState, window: str) -> str:
    """What a lead is told whose cap is below what is spent or granted: also without rights, and
    with those of earlier windows."""
    if state.available_nusd >= 0:
        return ""
    committed = dollars(state.cap_nusd - state.available_nusd)
    begins = "" if window == "total" else f", or the next {window} begins"
    return (
        f"{committed} is committed already: nothing is granted until enough has come back{begins}"
    )


def _is_same(known: Row[Any], team: str | None, member: str | None, scope: dict[str, str]) -> bool:
    """Whether a cap of the same name is for the same requests: a team's name may read like a
    project's in another team."""
    terms = Scope.of(json.loads(known.scope)), Scope.of(scope)
    return (known.team, known.member) == (team, member) and terms[0] == terms[1]


def _again(window: int, ends_us: int | None, line: Line) -> Line:
    """A cap that is set anew keeps the window its pool is in, unless a later one has begun."""
    assert isinstance(line, Opened)
    if line.window > window:
        return line
    return Opened(line.pool, line.cap_nusd, window, ends_us)


def _whose(conn: Connection, told: Cap) -> tuple[str | None, str | None, dict[str, str]]:
    """The team and the member of a pool (None: everybody's), and the terms of its requests."""
    if told.level == "org":
        return None, None, {}
    if not told.name:
        raise AgentspendError(f"a {told.level}'s cap needs a name", "say whose it is")
    if told.level == "team":
        return found(conn, teams, told.name, "team")["id"], None, {}
    member = None
    if told.level == "member":
        member = found(conn, members, told.name, "member")["id"]
    if told.level == "device":
        member = found(conn, devices, told.name, "device")["member"]
    team = found(conn, teams, told.team, "team")["id"] if told.team else None
    return team, member, dict(Scope.of({told.level: told.name}).terms)


def _concerned(conn: Connection, team: str | None, member: str | None) -> frozenset[str]:
    """The teams whose devices pay into a pool."""
    if member:
        return frozenset({found(conn, members, member, "member")["team"]})
    return frozenset({team}) if team else EVERYONE


def pool_name(told: Cap, team: str | None) -> str:
    """What people and devices call a pool: `team.backend.month`."""
    parts = [told.level, *([told.name] if told.name else []), told.window]
    if team and told.level != "team":
        parts = ["team", team, *parts]
    name = ".".join(parts)
    if len(name) <= LONGEST_ID:
        return name
    return f"{name[: LONGEST_ID - 9]}.{sha256(name.encode()).hexdigest()[:8]}"


def _list(conn: Connection, org: Row[Any], told: Of, moment: Moment) -> Done:
    return Done({"caps": lines(conn, org, moment.caller, told.team)})


def lines(conn: Connection, org: Row[Any], caller: Caller, team: str = "") -> list[dict[str, Any]]:
    """The caps that a caller may see, of a team and above it, or all."""
    onlooker = visibility.onlooker(conn, org, caller.role, caller.member)
    asked = select(pools).where(pools.c.active.is_(True)).order_by(pools.c.id)
    if team:
        asked = asked.where(or_(pools.c.team.is_(None), pools.c.team == team))
    rows = conn.execute(asked).all()
    states = cases.states_of(rows, org.rules)
    owners = people.teams_of(conn)
    return [
        line_of(row, states[row.id])
        for row in rows
        if onlooker.may_see(row, owners.get(row.member, ()))
    ]


def line_of(row: Row[Any], state: PoolState) -> dict[str, Any]:
    """A pool as people see it; amounts in nano-USD.

    `spent` was reported or counts as spent, `out` lies granted on devices, `free` may still be
    granted; `reserve` may be as well, once somebody has drawn it.
    """
    return {
        "pool": state.id,
        "level": level_of(row),
        "team": row.team or "",
        "scope": json.loads(row.scope),
        "window": row.kind,
        "cap_nusd": state.cap_nusd,
        "base_nusd": state.cap_nusd if row.base_nusd is None else row.base_nusd,
        "spent_nusd": state.committed_nusd - state.outstanding_nusd + state.late_nusd,
        "out_nusd": state.outstanding_nusd + state.past_nusd,
        "free_nusd": state.available_nusd,
        "reserve_nusd": state.reserve_nusd,
        "ends_us": state.ends_us,
    }


ACTS = (
    Act("cap.set", Role.LEAD, Cap, _set, "Set, change or take away a cap"),
    Act("cap.list", Role.VIEWER, Of, _list, "Every cap: spent, out on devices, free, resets"),
)
