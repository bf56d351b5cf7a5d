"""What people who are no leads see of other members: names, numbers in place of names, or sums.

A lead answers for the bill and sees names. The organisation's word holds for everybody; a team's
own may widen it for those of that team, towards each other. Without any, others are a sum. Numbers
go by rank in each answer, so that nobody is followed from one to the next by them.
"""

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection, Row, select

from sync_server.acts.act import Role
from sync_server.store.tables import members, teams


class Visibility(IntEnum):
    """From the least that is told to the most."""

    AGGREGATE = 0
    PSEUDONYMOUS = 1
    NAMED = 2


def of(*rules: dict[str, Any]) -> Visibility:
    """What these rules allow together."""
    return max((_of(each) for each in rules), default=Visibility.AGGREGATE)


def _of(rules: dict[str, Any]) -> Visibility:
    return Visibility[str(rules.get("visibility", "aggregate")).upper()]


def numbered(rank: int, kind: str = "member") -> str:
    """What stands in place of a name."""
    return f"{kind} {rank}"


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who looks. `member` and `team` are "" for a token that belongs to nobody.

    `at_all` is how far they see everybody, `at_own` how far those of their own team.
    """

    member: str
    team: str
    at_all: Visibility
    at_own: Visibility

    def sees(self, member: str, team: str) -> Visibility:
        """How far one member, of this team, is shown."""
        if self.member and member == self.member:
            return Visibility.NAMED
        return self.at_own if team == self.team else self.at_all

    def may_see(self, pool: Row[Any], owner_team: str | None) -> bool:
        """Whether a pool is shown: one of a member or device says what a person spends."""
        if pool.member is None:
            return True
        return self.sees(pool.member, owner_team or "") is Visibility.NAMED

    def may_see_acts(self, pool: Row[Any]) -> bool:
        """Whether it is shown who did what in a pool that is no other person's: to who pays in."""
        pays_in = self.member != "" and pool.team in (None, self.team)
        return pays_in or self.sees("", pool.team or "") is Visibility.NAMED


def onlooker(conn: Connection, org: Row[Any], role: Role, member: str) -> Onlooker:
    """What somebody of this role sees; `member` "" for who is none."""
    asked = (
        select(members.c.team, teams.c.rules)
        .join(teams, teams.c.id == members.c.team)
        .where(members.c.id == member)
    )
    own = conn.execute(asked).one_or_none()
    team, rules = (own.team, own.rules) if own is not None else ("", "{}")
    if role.may(Role.LEAD):
        return Onlooker(member, team, Visibility.NAMED, Visibility.NAMED)
    shared = json.loads(org.rules)
    return Onlooker(member, team, of(shared), of(shared, json.loads(rules)))
