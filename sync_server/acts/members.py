"""Members: added one by one or from a list, put in teams, given roles and tiers, revoked."""

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row, RowMapping, func, select

from agentspend.core.allowance.messages import Status
from agentspend.core.errors import AgentspendError
from agentspend.wire.canonical import canonical
from sync_server.acts import invites, teams
from sync_server.acts.act import Act, Done, Moment, NotFound, Nothing
from sync_server.acts.devices import expelled
from sync_server.acts.finding import all_rows, found
from sync_server.allowance.journal import Filed, Line
from sync_server.names import name_of
from sync_server.roles import Role
from sync_server.store.tables import IN_TEAM, devices, members
from sync_server.store.tables import teams as team_table

Text = Annotated[str, msgspec.Meta(max_length=200)]
MOST_IMPORTED = 5_000
_Row = Mapping[str, Any] | RowMapping


class Person(msgspec.Struct, forbid_unknown_fields=True):
    """A member as a list names them; `member` may be left out where there is an e-mail. `team` may
    be several with `;` between them, the first of which is their home."""

    team: Annotated[str, msgspec.Meta(min_length=1, max_length=800)]
    member: Text = ""
    name: Text = ""
    email: Text = ""
    role: Role = Role.MEMBER
    tier: Text = ""


class Imported(msgspec.Struct, forbid_unknown_fields=True):
    """`prune` revokes every active member who is not on the list."""

    members: Annotated[list[Person], msgspec.Meta(max_length=MOST_IMPORTED)]
    prune: bool = False


class One(msgspec.Struct, forbid_unknown_fields=True):
    """A member by name."""

    member: Text


class WithRole(msgspec.Struct, forbid_unknown_fields=True):
    """A member's new role."""

    member: Text
    role: Role


class WithTier(msgspec.Struct, forbid_unknown_fields=True):
    """A member's new tier: which models, by the policy."""

    member: Text
    tier: Text


class InTeam(msgspec.Struct, forbid_unknown_fields=True):
    """A member and a team."""

    member: Text
    team: Text


def _row(org: str, person: Person) -> dict[str, object]:
    name = name_of(person.member or person.email.partition("@")[0] or person.name)
    home, *further = [name_of(each) for each in person.team.rstrip("; ").split(";")]
    return {
        "id": name, "org": org, "team": home, "name": person.name or name,
        "email": person.email, "role": person.role.value, "tier": person.tier, "active": True,
        "further": _written({*further} - {home}),
    }  # fmt: skip


def _written(further: Collection[str]) -> str:
    """The teams besides the home team, as a member's row has them."""
    return canonical(sorted(further)).decode()


def _teams(row: _Row) -> list[str]:
    """All teams of a member, the home team first."""
    return [row["team"], *json.loads(row["further"])]


def _add(conn: Connection, org: Row[Any], told: Person, moment: Moment) -> Done:
    row = _row(org.id, told)
    known = {each["id"]: each for each in all_rows(conn, members)}
    if row["id"] in known and known[str(row["id"])]["active"]:
        raise AgentspendError(
            f"{row['id']} is a member already",
            f"agentspend-server invite {row['id']}    # for another machine",
        )
    for team in _teams(row):
        found(conn, team_table, team, "team")
    line, invite = invites.fresh(str(row["id"]), moment.secret, moment, invites.DAY_H)
    words = moment.words("member.add", member=row["id"], team=";".join(_teams(row)))
    return Done({"member": row["id"], "invite": invite}, [Filed("member", row), line], words)


def _import(conn: Connection, org: Row[Any], told: Imported, moment: Moment) -> Done:
    """Add whom the list names, change whom it names otherwise, with one invite for each new one."""
    wanted = {str(row["id"]): row for row in (_row(org.id, each) for each in told.members)}
    if len(wanted) != len(told.members):
        raise AgentspendError("the list names a member twice", "give each a member name of its own")
    known = {each["id"]: dict(each) for each in all_rows(conn, members)}
    there = {each["id"] for each in all_rows(conn, team_table)}
    new_teams = sorted({team for row in wanted.values() for team in _teams(row)} - there)
    lines: list[Line] = [Filed("team", teams.row_of(org.id, name)) for name in new_teams]
    handed: list[dict[str, object]] = []
    changed: list[str] = []
    for name, row in wanted.items():
        if known.get(name) == row:
            continue
        lines.append(Filed("member", row))
        if name in known and known[name]["active"]:
            changed.append(name)
        else:
            secret = sha256(moment.secret + name.encode()).digest()
            line, invite = invites.fresh(name, secret, moment, invites.WEEK_H)
            lines.append(line)
            handed.append(invite)
    gone = [name for name, row in known.items() if row["active"] and name not in wanted]
    for name in gone if told.prune else []:
        lines += _leaves(conn, known[name], moment.now_us)
    revoked = gone if told.prune else []
    moved = [row for name in (*changed, *revoked) for row in (known[name], wanted.get(name))]
    concerns = frozenset(team for row in moved if row for team in _teams(row))
    answer = {
        "added": handed, "changed": changed, "teams": new_teams,
        "revoked": revoked, "not_listed": [] if told.prune else gone,
    }  # fmt: skip
    words = moment.words("member.import", added=len(handed), changed=len(changed),
                         revoked=len(revoked))  # fmt: skip
    return Done(answer, lines, words if lines else {}, policy=bool(lines), concerns=concerns)


def _list(conn: Connection, _org: Row[Any], _told: Nothing, _moment: Moment) -> Done:
    asked = (
        select(devices.c.member, func.count().filter(IN_TEAM), func.max(devices.c.seen_us))
        .where(devices.c.active.is_(True))
        .group_by(devices.c.member)
    )
    machines = {row[0]: (int(row[1]), row[2]) for row in conn.execute(asked)}
    answer = []
    for row in all_rows(conn, members):
        count, seen_us = machines.get(row["id"], (0, None))
        kept = ("name", "email", "team", "role", "tier", "active")
        told = {name: row[name] for name in kept} | {"teams": _teams(row)}
        answer.append({"member": row["id"], **told, "devices": count, "seen_us": seen_us})
    return Done({"members": answer})


def _role(conn: Connection, _org: Row[Any], told: WithRole, moment: Moment) -> Done:
    """Their devices hear of it at once: what lies on a viewer's is asked back."""
    row = {**found(conn, members, told.member, "member"), "role": told.role.value}
    words = moment.words("member.set_role", member=told.member, role=told.role.value)
    answer = {"member": told.member, "role": told.role.value}
    concerns = frozenset(_teams(row))
    return Done(answer, [Filed("member", row)], words, policy=True, concerns=concerns)


def _tier(conn: Connection, _org: Row[Any], told: WithTier, moment: Moment) -> Done:
    row = {**found(conn, members, told.member, "member"), "tier": told.tier}
    words = moment.words("member.set_tier", member=told.member, tier=told.tier)
    answer = {"member": told.member, "tier": told.tier}
    concerns = frozenset({str(row["team"])})
    return Done(answer, [Filed("member", row)], words, policy=True, concerns=concerns)


def _move(conn: Connection, _org: Row[Any], told: InTeam, moment: Moment) -> Done:
    """Another home team. The old one's rights are asked back; what was spent with them counts
    there."""
    team = found(conn, team_table, told.team, "team")["id"]
    row = found(conn, members, told.member, "member")
    further = _written({*_teams(row)} - {row["team"], team})
    return _put(row, {"team": team, "further": further}, moment.words("member.move", team=team))


def _add_team(conn: Connection, _org: Row[Any], told: InTeam, moment: Moment) -> Done:
    """One team more that this member's devices may spend for."""
    team = found(conn, team_table, told.team, "team")["id"]
    row = found(conn, members, told.member, "member")
    further = _written({*_teams(row), team} - {row["team"]})
    return _put(row, {"further": further}, moment.words("member.add_team", team=team))


def _remove_team(conn: Connection, _org: Row[Any], told: InTeam, moment: Moment) -> Done:
    """A team less: its rights are asked back; what was spent with them counts there."""
    row = found(conn, members, told.member, "member")
    if told.team == row["team"]:
        raise AgentspendError(
            f"{told.team} is the home team of {told.member}",
            f"agentspend-server member move {told.member} TEAM    gives another home",
        )
    if told.team not in _teams(row):
        raise NotFound(
            f"{told.member} is not in team {told.team!r}", f"teams: {', '.join(_teams(row))}"
        )
    further = _written({*_teams(row)} - {row["team"], told.team})
    return _put(row, {"further": further}, moment.words("member.remove_team", team=told.team))


def _put(row: _Row, changes: Mapping[str, str], words: dict[str, object]) -> Done:
    """A member in other teams: the devices of those they leave and come to hear of it at once."""
    after = {**row, **changes}
    answer = {"member": row["id"], "team": after["team"], "teams": _teams(after)}
    concerns = frozenset([*_teams(row), *_teams(after)])
    said = {**words, "member": row["id"]}
    return Done(answer, [Filed("member", after)], said, policy=True, concerns=concerns)


def _revoke(conn: Connection, _org: Row[Any], told: One, moment: Moment) -> Done:
    row = found(conn, members, told.member, "member")
    lines = _leaves(conn, dict(row), moment.now_us)
    words = moment.words("member.revoke", member=told.member)
    concerns = frozenset(_teams(row))
    return Done({"member": told.member, "active": False}, lines, words, concerns=concerns)


def _leaves(conn: Connection, row: Mapping[str, Any], now_us: int) -> list[Line]:
    lines: list[Line] = [Filed("member", {**row, "active": False})]
    for device in all_rows(conn, devices, member=row["id"], active=True):
        lines += expelled(conn, device["id"], Status.REVOKED, now_us)
    return lines


ACTS = (
    Act("member.add", Role.LEAD, Person, _add, "Add a member, with an invite"),
    Act("member.import", Role.LEAD, Imported, _import, "Make the members those of a list"),
    Act("member.list", Role.VIEWER, Nothing, _list, "Every member, and who has not joined"),
    Act("member.set_role", Role.LEAD, WithRole, _role, "Change what a member may do here"),
    Act("member.set_tier", Role.LEAD, WithTier, _tier, "Change which models a member may use"),
    Act("member.move", Role.LEAD, InTeam, _move, "Give a member another home team"),
    Act("member.add_team", Role.LEAD, InTeam, _add_team, "Let a member spend for a team more"),
    Act("member.remove_team", Role.LEAD, InTeam, _remove_team, "Take a member out of a team"),
    Act("member.revoke", Role.LEAD, One, _revoke, "End a membership and all its devices"),
)
