"""Devices: who has joined, what lies on them, and what becomes of a lost one."""

from collections import defaultdict
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row, case, func, select

from agentspend.core.allowance.messages import Status
from agentspend.wire.entries import LEFT
from sync_server import visibility
from sync_server.acts.act import Act, Done, Moment, Nothing
from sync_server.acts.finding import found
from sync_server.allowance.journal import Filed, Line, Ranked
from sync_server.machines import VALID_US
from sync_server.roles import Role
from sync_server.store import people
from sync_server.store.tables import accounts, devices, incarnations, members, receipts
from sync_server.visibility import Visibility


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
_LEDGERS = (
    select(incarnations.c.device, incarnations.c.inc, incarnations.c.status)
    .add_columns(func.coalesce(func.sum(_OUT), 0).label("out_nusd"))
    .outerjoin(accounts, accounts.c.inc == incarnations.c.inc)
    .group_by(incarnations.c.device, incarnations.c.inc, incarnations.c.status)
    .order_by(incarnations.c.inc)
)
_HEARD = select(receipts.c.inc, func.max(receipts.c.server_seq)).group_by(receipts.c.inc)
_SHOWN = [Status.ACTIVE, Status.FORKED, Status.SUPERSEDED]


def _list(conn: Connection, org: Row[Any], _told: Nothing, moment: Moment) -> Done:
    """What lies on a device says what its member spends: who may not see that is told null."""
    onlooker = visibility.onlooker(conn, org, moment.caller.role, moment.caller.member)
    ledgers: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for ledger in conn.execute(_LEDGERS):
        ledgers[ledger.device].append(ledger)
    rows = conn.execute(
        select(devices, members.c.team)
        .join(members, members.c.id == devices.c.member)
        .order_by(devices.c.id)
    )
    teams = people.teams_of(conn)
    answer = []
    for row in rows:
        own = ledgers[row.id]
        old = _old(conn, own)
        is_shown = onlooker.sees(row.member, teams.get(row.member, ())) is Visibility.NAMED
        answer.append({
            "device": row.id,
            "member": row.member,
            "team": row.team,
            "label": row.label,
            "status": _status(row, own),
            "seen_us": row.seen_us,
            "out_nusd": sum(int(each.out_nusd) for each in own) if is_shown else None,
            "old_ledgers": len(old) if is_shown else None,
            "old_out_nusd": sum(int(each.out_nusd) for each in old) if is_shown else None,
        })  # fmt: skip
    return Done({"devices": answer})


def _status(device: Row[Any], own: list[Row[Any]]) -> str:
    """A device is what its best ledger is, unless it left; of one that was sent away, how."""
    found = {Status(each.status) for each in own}
    if device.active and device.left_us:
        return LEFT
    if device.active:
        return next((each.value for each in _SHOWN if each in found), Status.LOST.value)
    is_lost = Status.LOST in found and Status.REVOKED not in found
    return (Status.LOST if is_lost else Status.REVOKED).value


def _old(conn: Connection, own: list[Row[Any]]) -> list[Row[Any]]:
    """The ledgers of a device on which something lies and that it does not go on with.

    Of several that are active (a twin, or a restore that nobody could tell from one) it goes on
    with the one that was heard last.
    """
    active = [each.inc for each in own if each.status == Status.ACTIVE.value]
    if len(active) > 1:
        heard = conn.execute(_HEARD.where(receipts.c.inc.in_(active)).order_by(
            func.max(receipts.c.server_seq).desc()
        )).first()  # fmt: skip
        active = [heard[0]] if heard is not None else active
    return [each for each in own if each.out_nusd > 0 and each.inc not in active]


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
    own = list(conn.execute(_LEDGERS.where(incarnations.c.device == told.device)))
    incs = [each.inc for each in _old(conn, own)]
    lines = [Ranked(inc, Status.LOST) for inc in incs]
    words = moment.words("device.write_off", device=told.device)
    return Done({"device": told.device, "ledgers": incs}, lines, words if lines else {})


ACTS = (
    Act("device.list", Role.VIEWER, Nothing, _list, "Every device: whose, seen when, what is out"),
    Act("device.revoke", Role.LEAD, One, _revoke, "No more money for a device; it may report"),
    Act("device.lost", Role.LEAD, One, _lost, "A device is gone: what lies on it counts as spent"),
    Act("device.write_off", Role.LEAD, One, _write_off, "Count what old ledgers hold as spent"),
)
