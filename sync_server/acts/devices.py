"""Devices: who has joined, what lies on them, and what becomes of a lost one."""

from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row, case, func, select

from agentspend.core.allowance.messages import Status
from sync_server.acts.act import Act, Done, Moment, Nothing, Role
from sync_server.acts.names import found
from sync_server.allowance.journal import Filed, Line, Ranked
from sync_server.machines import VALID_US
from sync_server.store import people
from sync_server.store.tables import accounts, devices, incarnations, members


class One(msgspec.Struct, forbid_unknown_fields=True):
    """A device by its name."""

    device: Annotated[str, msgspec.Meta(max_length=80)]


def expelled(conn: Connection, device: str, status: Status, now_us: int) -> list[Line]:
    """The lines that end a device: it may report, and gets nothing any more.

    So do the member's invites that end within the hour: the device may have made them itself.
    """
    row = {**people.device_row(conn, device), "active": False}
    ranks = [Ranked(inc, status) for inc in people.incs_of(conn, device)]
    own = people.unused_invites(conn, row["member"], now_us, now_us + VALID_US)
    ended = [Filed("invite", {**invite, "expires_us": now_us}) for invite in own]
    return [Filed("device", row), *ranks, *ended]


_LEFT = accounts.c.granted_nusd - accounts.c.returned_nusd - accounts.c.used_nusd
_OUT = case((accounts.c.closed | accounts.c.written_off, 0), (_LEFT < 0, 0), else_=_LEFT)


def _list(conn: Connection, _org: Row[Any], _told: Nothing, _moment: Moment) -> Done:
    asked = (
        select(incarnations.c.device, func.coalesce(func.sum(_OUT), 0))
        .join(accounts, accounts.c.inc == incarnations.c.inc)
        .group_by(incarnations.c.device)
    )
    out = {row[0]: int(row[1]) for row in conn.execute(asked)}
    latest = {
        row.device: row.status
        for row in conn.execute(
            select(incarnations.c.device, incarnations.c.status).order_by(
                case((incarnations.c.status == Status.ACTIVE.value, 1), else_=0)
            )
        )
    }
    rows = conn.execute(
        select(devices, members.c.team)
        .join(members, members.c.id == devices.c.member)
        .order_by(devices.c.id)
    )
    answer = [
        {
            "device": row.id,
            "member": row.member,
            "team": row.team,
            "label": row.label,
            "status": latest.get(row.id, "") if row.active else "revoked",
            "seen_us": row.seen_us,
            "out_nusd": out.get(row.id, 0),
        }
        for row in rows
    ]
    for line in answer:
        if line["status"] == "revoked" and latest.get(line["device"]) == Status.LOST.value:
            line["status"] = Status.LOST.value
    return Done({"devices": answer})


def _lost(conn: Connection, _org: Row[Any], told: One, moment: Moment) -> Done:
    return _ended(conn, told.device, Status.LOST, "device.lost", moment)


def _revoke(conn: Connection, _org: Row[Any], told: One, moment: Moment) -> Done:
    return _ended(conn, told.device, Status.REVOKED, "device.revoke", moment)


def _ended(conn: Connection, device: str, status: Status, what: str, moment: Moment) -> Done:
    row = found(conn, devices, device, "device")
    team = found(conn, members, row["member"], "member")["team"]
    lines = expelled(conn, device, status, moment.now_us)
    words = moment.words(what, device=device)
    answer = {"device": device, "status": status.value}
    return Done(answer, lines, words, concerns=frozenset({team}))


def _write_off(conn: Connection, _org: Row[Any], told: One, moment: Moment) -> Done:
    """What lies on ledgers a device has left behind counts as spent; its present one goes on."""
    found(conn, devices, told.device, "device")
    asked = select(incarnations.c.inc).where(
        incarnations.c.device == told.device,
        incarnations.c.status.in_([Status.SUPERSEDED.value, Status.REVOKED.value]),
    )
    incs = list(conn.execute(asked.order_by(incarnations.c.inc)).scalars())
    lines = [Ranked(inc, Status.LOST) for inc in incs]
    words = moment.words("device.write_off", device=told.device)
    return Done({"device": told.device, "ledgers": incs}, lines, words if lines else {})


ACTS = (
    Act("device.list", Role.VIEWER, Nothing, _list, "Every device: whose, since when, what is out"),
    Act("device.revoke", Role.LEAD, One, _revoke, "No more money for a device; it may report"),
    Act("device.lost", Role.LEAD, One, _lost, "A device is gone: what lies on it counts as spent"),
    Act("device.write_off", Role.LEAD, One, _write_off, "Count what old ledgers hold as spent"),
)
