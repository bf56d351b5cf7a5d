"""Members: added one by one or from a list, moved, given roles and tiers, revoked."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from agentspend.core.allowance.messages import Status
from agentspend.core.errors import AgentspendError
from sync_server.acts import invites, teams
from sync_server.acts.act import Act, Done, Moment, Nothing, Role
from sync_server.acts.devices import expelled
from sync_server.acts.names import all_rows, found, name_of
from sync_server.allowance.journal import Filed, Line
from sync_server.store.tables import devices, members
from sync_server.store.tables import teams as team_table

Text = Annotated[str, msgspec.Meta(max_length=200)]
MOST_IMPORTED = 5_000


class Person(msgspec.Struct, forbid_unknown_fields=True):
    """A member as a list names them; `member` may be left out where there is an e-mail."""

    team: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
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
    """A member's new team."""

    member: Text
    team: Text


def _row(org: str, person: Person) -> dict[str, object]:
    name = name_of(person.member or person.email.partition("@")[0] or person.name)
    return {
        "id": name, "org": org, "team": name_of(person.team), "name": person.name or name,
        "email": person.email, "role": person.role.value, "tier": person.tier, "active": True,
    }  # fmt: skip


def _add(conn: Connection, org: Row[Any], told: Person, moment: Moment) -> Done:
    row = _row(org.id, told)
    known = {each["id"]: each for each in all_rows(conn, members)}
    if row["id"] in known and known[str(row["id"])]["active"]:
        raise AgentspendError(
            f"{row['id']} is a member already",
            f"agentspend-server invite {row['id']}    # for another machine",
        )
    found(conn, team_table, str(row["team"]), "team")
    line, invite = invites.fresh(str(row["id"]), moment.secret, moment, invites.DAY_H)
    words = moment.words("member.add", member=row["id"], team=row["team"])
    return Done({"member": row["id"], "invite": invite}, [Filed("member", row), line], words)


def _import(conn: Connection, org: Row[Any], told: Imported, moment: Moment) -> Done:
    """Add whom the list names, change whom it names otherwise, with one invite for each new one."""
    wanted = {str(row["id"]): row for row in (_row(org.id, each) for each in told.members)}
    if len(wanted) != len(told.members):
        raise AgentspendError("the list names a member twice", "give each a member name of its own")
    known = {each["id"]: dict(each) for each in all_rows(conn, members)}
    there = {each["id"] for each in all_rows(conn, team_table)}
    new_teams = sorted({str(row["team"]) for row in wanted.values()} - there)
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
    answer = {
        "added": handed, "changed": changed, "teams": new_teams,
        "revoked": revoked, "not_listed": [] if told.prune else gone,
    }  # fmt: skip
    words = moment.words("member.import", added=len(handed), changed=len(changed),
                         revoked=len(revoked))  # fmt: skip
    return Done(answer, lines, words if lines else {}, policy=bool(lines))


def _list(conn: Connection, _org: Row[Any], _told: Nothing, _moment: Moment) -> Done:
    asked = (
        select(devices.c.member, func.count(), func.max(devices.c.seen_us))
        .where(devices.c.active.is_(True))
        .group_by(devices.c.member)
    )
    machines = {row[0]: (int(row[1]), row[2]) for row in conn.execute(asked)}
    answer = []
    for row in all_rows(conn, members):
        count, seen_us = machines.get(row["id"], (0, None))
        kept = ("name", "email", "team", "role", "tier", "active")
        told = {name: row[name] for name in kept}
        answer.append({"member": row["id"], **told, "devices": count, "seen_us": seen_us})
    return Done({"members": answer})


def _role(conn: Connection, _org: Row[Any], told: WithRole, moment: Moment) -> Done:
    row = {**found(conn, members, told.member, "member"), "role": told.role.value}
    words = moment.words("member.set_role", member=told.member, role=told.role.value)
    answer = {"member": told.member, "role": told.role.value}
    return Done(answer, [Filed("member", row)], words)


def _tier(conn: Connection, _org: Row[Any], told: WithTier, moment: Moment) -> Done:
    row = {**found(conn, members, told.member, "member"), "tier": told.tier}
    words = moment.words("member.set_tier", member=told.member, tier=told.tier)
    answer = {"member": told.member, "tier": told.tier}
    concerns = frozenset({str(row["team"])})
    return Done(answer, [Filed("member", row)], words, policy=True, concerns=concerns)


def _move(conn: Connection, _org: Row[Any], told: InTeam, moment: Moment) -> Done:
    """The old team's rights are asked back; what was spent with them counts there."""
    team = found(conn, team_table, told.team, "team")["id"]
    row = found(conn, members, told.member, "member")
    lines = [Filed("member", {**row, "team": team})]
    words = moment.words("member.move", member=told.member, team=team)
    concerns = frozenset({row["team"], team})
    answer = {"member": told.member, "team": team}
    return Done(answer, lines, words, policy=True, concerns=concerns)


def _revoke(conn: Connection, _org: Row[Any], told: One, moment: Moment) -> Done:
    row = found(conn, members, told.member, "member")
    lines = _leaves(conn, dict(row), moment.now_us)
    words = moment.words("member.revoke", member=told.member)
    concerns = frozenset({row["team"]})
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
    Act("member.move", Role.LEAD, InTeam, _move, "Put a member in another team"),
    Act("member.revoke", Role.LEAD, One, _revoke, "End a membership and all its devices"),
)
