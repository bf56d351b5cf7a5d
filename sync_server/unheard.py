"""Devices whose word is missing from a report: what they spent since they spoke last is in no sum.

A daemon that runs speaks every half hour, so one that was silent for a day is switched off, cut
off, or gone. After a restore each is to speak once more: what it reported since the copy was made
is forgotten.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select

from sync_server.store.tables import IN_TEAM, devices, members, memberships

SILENT_US = 86_400_000_000


def unheard(
    conn: Connection, org: Row[Any], until_us: int, now_us: int, *whose: ColumnElement[bool]
) -> dict[str, int]:
    """How many devices of those `whose` have not spoken for what ends at a moment (0: now), and
    when the one of them that was silent longest spoke last (0 where there is none)."""
    complete_us = min(until_us or now_us, now_us - SILENT_US)
    is_silent = or_(devices.c.seen_us < complete_us, devices.c.seen_us < org.restored_us)
    asked = (
        select(func.count(), func.min(devices.c.seen_us))
        .join(members, members.c.id == devices.c.member)
        .where(devices.c.org == org.id, IN_TEAM, members.c.active.is_(True), is_silent, *whose)
    )
    count, since_us = conn.execute(asked).one()
    return {"devices": int(count), "since_us": int(since_us or 0)}


def of_team(team: str) -> ColumnElement[bool]:
    """The devices that may spend for a team."""
    inside = select(memberships.c.member).where(
        memberships.c.team == team, memberships.c.active.is_(True)
    )
    return devices.c.member.in_(inside)
