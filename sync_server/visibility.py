"""What people who are no leads see of other members: names, numbers in place of names, or sums.

A lead answers for the bill and sees names. The organisation's word holds for everybody; a team's
own may widen it for those of that team, towards each other. Without any, others are a sum. Numbers
go by rank in each answer, so that nobody is followed from one to the next by them.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Connection, Row, select

from sync_server.roles import Role
from sync_server.store.tables import memberships, teams


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
    """Who looks. `member` is "" for a token that belongs to nobody.

    `at_all` is how far they see everybody, `at_own` how far those of each of their own teams.
    """

    member: str
    at_all: Visibility
    at_own: Mapping[str, Visibility]

    def sees(self, member: str, teams: Collection[str]) -> Visibility:
        """How far one member, of these teams, is shown."""
        if self.member and member == self.member:
            return Visibility.NAMED
        return max(
            (self.at_own[team] for team in teams if team in self.at_own), default=self.at_all
        )

    def may_see(self, pool: Row[Any], owner_teams: Collection[str]) -> bool:
        """Whether a pool is shown: one of a member or device says what a person spends."""
        if pool.member is None:
            return True
        return self.sees(pool.member, owner_teams) is Visibility.NAMED

    def may_see_acts(self, pool: Row[Any]) -> bool:
        """Whether it is shown who did what in a pool that is no other person's: to who pays in."""
        pays_in = self.member != "" and (pool.team is None or pool.team in self.at_own)
        return pays_in or self.sees("", [pool.team or ""]) is Visibility.NAMED


def onlooker(conn: Connection, org: Row[Any], role: Role, member: str) -> Onlooker:
    """What somebody of this role sees; `member` "" for who is none."""
    asked = (
        select(teams.c.id, teams.c.rules)
        .join(memberships, memberships.c.team == teams.c.id)
        .where(memberships.c.member == member, memberships.c.active.is_(True))
    )
    shared = json.loads(org.rules)
    is_lead = role.may(Role.LEAD)
    own = {
        row.id: Visibility.NAMED if is_lead else of(shared, json.loads(row.rules))
        for row in conn.execute(asked)
    }
    return Onlooker(member, Visibility.NAMED if is_lead else of(shared), own)
