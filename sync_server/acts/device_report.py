"""Who has not joined, and which devices show signs of work that goes past the meter."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from agentspend.core.allowance.messages import Status
from sync_server.acts.act import Act, Done, Moment, Nothing
from sync_server.roles import Role
from sync_server.signs import DAY_US, MANY_WITHIN_US, MEANS, Facts, signs
from sync_server.store.spending import HOUR_US
from sync_server.store.tables import IN_TEAM, devices, incarnations, invites, members, spending


def _report(conn: Connection, _org: Row[Any], _told: Nothing, moment: Moment) -> Done:
    found = list(conn.execute(_DEVICES))
    joined = {row.member for row in found}
    answer = {
        "not_joined": _not_joined(conn, joined, moment.now_us),
        "devices": _suspects(conn, found, moment.now_us),
        "means": {sign.value: words for sign, words in MEANS.items()},
    }
    return Done(answer)


_DEVICES = (
    select(devices, members.c.team)
    .join(members, members.c.id == devices.c.member)
    .where(IN_TEAM, members.c.active.is_(True))
    .order_by(members.c.team, devices.c.member, devices.c.id)
)


def _not_joined(conn: Connection, joined: set[str], now_us: int) -> list[dict[str, Any]]:
    """Active members without a device, and until when an invite of theirs is good (null: none)."""
    open_ones = (
        select(invites.c.member, func.max(invites.c.expires_us))
        .where(invites.c.used_us.is_(None), invites.c.expires_us > now_us)
        .group_by(invites.c.member)
    )
    until = {row[0]: int(row[1]) for row in conn.execute(open_ones)}
    asked = select(members).where(members.c.active.is_(True)).order_by(members.c.team, members.c.id)
    return [
        {"member": row.id, "name": row.name, "email": row.email, "team": row.team,
         "invited_until_us": until.get(row.id)}
        for row in conn.execute(asked) if row.id not in joined
    ]  # fmt: skip


def _suspects(conn: Connection, found: list[Row[Any]], now_us: int) -> list[dict[str, Any]]:
    """The devices that show any sign, each with all of them."""
    tomorrow = (now_us + DAY_US) // HOUR_US
    spent = _last_hours(conn, spending.c.hour <= tomorrow)
    ahead = _last_hours(conn, spending.c.hour > tomorrow)
    ledgers: dict[str, list[Row[Any]]] = {}
    for row in conn.execute(select(incarnations).order_by(incarnations.c.inc)):
        ledgers.setdefault(row.device, []).append(row)
    theirs: dict[str, list[Row[Any]]] = {}
    for row in found:
        theirs.setdefault(row.member, []).append(row)
    lines = []
    for row in found:
        own = ledgers.get(row.id, [])
        others = [each.seen_us for each in theirs[row.member] if each is not row]
        status = Status.FORKED if _has(own, Status.FORKED) else Status.ACTIVE
        hour = spent.get(row.id)
        facts = Facts(
            enrolled_us=row.enrolled_us,
            seen_us=row.seen_us,
            others_us=max(others, default=0),
            entries=sum(each.seq for each in own),
            last_us=None if hour is None else (hour + 1) * HOUR_US,
            ledgers=sum(each.begun_us > now_us - MANY_WITHIN_US for each in own),
            status=status,
            ahead=row.id in ahead,
            full_us=row.full_us,
        )
        shown = signs(facts, now_us)
        if shown:
            lines.append({
                "device": row.id, "member": row.member, "team": row.team, "label": row.label,
                "seen_us": row.seen_us, "last_spent_us": facts.last_us,
                "signs": [sign.value for sign in shown],
            })  # fmt: skip
    return lines


def _last_hours(conn: Connection, which: ColumnElement[bool]) -> dict[str, int]:
    """The last of these hours in which each device spent."""
    asked = (
        select(incarnations.c.device, func.max(spending.c.hour))
        .join(spending, spending.c.inc == incarnations.c.inc)
        .where(which)
        .group_by(incarnations.c.device)
    )
    return {row[0]: int(row[1]) for row in conn.execute(asked)}


def _has(own: list[Row[Any]], status: Status) -> bool:
    return any(each.status == status.value for each in own)


ACTS = (
    Act(
        "device.report",
        Role.LEAD,
        Nothing,
        _report,
        "Who has not joined, who shows signs of bypass",
        looks=True,
    ),
)
