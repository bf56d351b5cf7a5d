"""Teams: made, listed, frozen."""

from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, select

from agentspend.core.errors import AgentspendError
from sync_server.acts.act import EVERYONE, Act, Done, Moment, Nothing
from sync_server.acts.finding import all_rows, found
from sync_server.allowance.journal import Filed
from sync_server.names import name_of
from sync_server.roles import Role
from sync_server.store.tables import IN_TEAM, devices, members, memberships, teams

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """A team by its name."""

    team: Name


class Freeze(msgspec.Struct, forbid_unknown_fields=True):
    """A team, or "" for everybody."""

    team: Annotated[str, msgspec.Meta(max_length=80)] = ""


def row_of(org: str, name: str) -> dict[str, object]:
    """A new team's row."""
    return {"id": name_of(name), "org": org, "name": name, "rules": "{}", "frozen": False}


def _create(conn: Connection, org: Row[Any], told: Named, moment: Moment) -> Done:
    row = row_of(org.id, told.team)
    if any(each["id"] == row["id"] for each in all_rows(conn, teams)):
        raise AgentspendError(f"team {row['id']} exists", "agentspend-server team list")
    words = moment.words("team.create", team=row["id"])
    return Done({"team": row["id"]}, [Filed("team", row)], words)


def _list(conn: Connection, org: Row[Any], _told: Nothing, _moment: Moment) -> Done:
    inside = (
        select(memberships.c.team, func.count())
        .join(members, members.c.id == memberships.c.member)
        .where(memberships.c.active.is_(True))
        .group_by(memberships.c.team)
    )
    people = _counted(conn, inside.where(members.c.active.is_(True)))
    theirs = inside.join(devices, devices.c.member == members.c.id)
    machines = _counted(conn, theirs.where(IN_TEAM))
    answer = [
        {
            "team": row["id"],
            "name": row["name"],
            "members": people.get(row["id"], 0),
            "devices": machines.get(row["id"], 0),
            "frozen": bool(row["frozen"] or org.frozen),
        }
        for row in all_rows(conn, teams)
    ]
    return Done({"teams": answer})


def _counted(conn: Connection, asked: Select[Any]) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in conn.execute(asked)}


def _freeze(conn: Connection, _org: Row[Any], told: Freeze, moment: Moment) -> Done:
    return _frozen(conn, told, moment, "freeze", frozen=True)


def _unfreeze(conn: Connection, _org: Row[Any], told: Freeze, moment: Moment) -> Done:
    return _frozen(conn, told, moment, "unfreeze", frozen=False)


def _frozen(conn: Connection, told: Freeze, moment: Moment, what: str, *, frozen: bool) -> Done:
    words = moment.words(what, team=told.team or "*")
    answer = {"team": told.team, "frozen": frozen}
    if not told.team:
        return Done(answer, (), words, org={"frozen": frozen}, concerns=EVERYONE)
    row = {**found(conn, teams, told.team, "team"), "frozen": frozen}
    concerns = frozenset({told.team})
    return Done(answer, [Filed("team", row)], words, policy=True, concerns=concerns)


ACTS = (
    Act("team.create", Role.LEAD, Named, _create, "Make a team"),
    Act("team.list", Role.VIEWER, Nothing, _list, "Every team, with its people and devices"),
    Act("freeze", Role.LEAD, Freeze, _freeze, "Stop all spending of a team, or of everybody"),
    Act("unfreeze", Role.LEAD, Freeze, _unfreeze, "Let a team spend again"),
)
