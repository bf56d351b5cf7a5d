"""Requests for a raise: listed, approved (once, in this window), refused, and opened again."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row, RowMapping, select

from agentspend.core.errors import AgentspendError
from agentspend.core.money import MAX_NUSD, dollars
from sync_server.acts.act import EVERYONE, Act, Done, Moment
from sync_server.acts.finding import found
from sync_server.allowance.journal import Filed, Line, Opened
from sync_server.allowance.pools import PoolState
from sync_server.raises import WAITS, still_asked
from sync_server.roles import Role
from sync_server.store import cases, people
from sync_server.store.tables import devices, members, pools, requests

TAKEN_BACK_US = 600_000_000
"""For so long an answer can be taken back."""


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    """Only those that wait, or all."""

    all: bool = False


class Approve(msgspec.Struct, forbid_unknown_fields=True):
    """`amount_nusd` null: as much as was asked for."""

    request: Annotated[str, msgspec.Meta(max_length=80)]
    amount_nusd: Annotated[int, msgspec.Meta(ge=1, le=MAX_NUSD)] | None = None


class Refuse(msgspec.Struct, forbid_unknown_fields=True):
    """Which one."""

    request: Annotated[str, msgspec.Meta(max_length=80)]


class Reopen(msgspec.Struct, forbid_unknown_fields=True):
    """Which one."""

    request: Annotated[str, msgspec.Meta(max_length=80)]


def _list(conn: Connection, org: Row[Any], told: Listed, moment: Moment) -> Done:
    asked = (
        select(
            requests,
            devices.c.member,
            devices.c.label,
            members.c.team,
            pools.c.kind,
            pools.c.running,
        )
        .join(pools, pools.c.id == requests.c.pool)
        .join(devices, devices.c.id == requests.c.device)
        .join(members, members.c.id == devices.c.member)
        .order_by(requests.c.asked_us, requests.c.id)
    )
    if not told.all:
        asked = asked.where(WAITS)
    if not moment.caller.role.may(Role.LEAD):
        asked = asked.where(devices.c.member == moment.caller.member)
    rows = [
        row
        for row in conn.execute(asked).mappings()
        if told.all or still_asked(row, row["asked_us"], org.zone)
    ]
    kept = ("member", "label", "team", "pool", "amount_nusd", "reason", "status", "asked_us",
            "decided_us", "decided_by")  # fmt: skip
    return Done({"requests": [{"request": row["id"], **{k: row[k] for k in kept}} for row in rows]})


def _approve(conn: Connection, org: Row[Any], told: Approve, moment: Moment) -> Done:
    row = _open(conn, told.request)
    pool = conn.execute(select(pools.c.kind, pools.c.running).where(pools.c.id == row["pool"]))
    _still_asked(org, row, pool.mappings().one())
    above = _above(conn, org, row)
    amount_nusd = told.amount_nusd or row["amount_nusd"]
    state = cases.pool_state(conn, row["pool"])
    cap_nusd = state.cap_nusd + amount_nusd
    if cap_nusd > MAX_NUSD:
        raise AgentspendError("the cap would be above the largest amount", "approve less")
    lines: list[Line] = [
        Opened(state.id, cap_nusd, state.window, state.ends_us),
        _decided(row, "approved", moment, amount_nusd),
    ]
    short = [
        each.id
        for each in _beside(above, org, row)
        if each.id != state.id and each.available_nusd < amount_nusd
    ]
    answer = {
        "request": told.request, "status": "approved", "pool": state.id, "cap_nusd": cap_nusd,
        "amount_nusd": amount_nusd, "also_short": short,
    }  # fmt: skip
    words = moment.words("request.approve", request=told.request, pool=state.id,
                         amount_nusd=amount_nusd)  # fmt: skip
    return Done(answer, lines, words, policy=True, concerns=_payers(conn, row))


def _still_asked(org: Row[Any], row: RowMapping, pool: Mapping[Any, Any]) -> None:
    """Raises for a question of a window that is over: its raise would be another window's."""
    if not still_asked(pool, row["asked_us"], org.zone):
        raise AgentspendError(
            f"request {row['id']} was asked for {row['pool']} in a window that is over",
            "agentspend-server org show    has the caps: set one instead; who waits now asks anew",
        )


def _above(conn: Connection, org: Row[Any], row: RowMapping) -> cases.Above:
    """The caps above who asks. Raises where the one that was asked for is not among them any more:
    its raise would be for others alone."""
    above = cases.pools_above(conn, org.id, row["device"])
    is_there = people.speaker(conn, row["device"]) is not None
    if not (is_there and any(each.id == row["pool"] for each in above.rows)):
        device = f"its device {row['device']}"
        why = f"there is no cap {row['pool']} above {device}" if is_there else f"{device} is gone"
        raise AgentspendError(
            f"nobody waits for request {row['id']} any more: {why}",
            f"agentspend-server request deny {row['id']}",
        )
    return above


def _beside(above: cases.Above, org: Row[Any], row: RowMapping) -> list[PoolState]:
    """The pools that what is asked for counts in besides: of the same team, and everybody's."""
    owner = next((each.team for each in above.rows if each.id == row["pool"]), None)
    whose = (None, owner or above.belongs.home)
    rows = [each for each in above.rows if each.team in whose]
    return list(cases.states_of(rows, org.rules).values())


def _refuse(conn: Connection, _org: Row[Any], told: Refuse, moment: Moment) -> Done:
    row = _open(conn, told.request)
    line = _decided(row, "refused", moment, row["amount_nusd"])
    words = moment.words("request.refuse", request=told.request)
    answer = {"request": told.request, "status": "refused"}
    return Done(answer, [line], words, concerns=_asker(conn, row))


def _reopen(conn: Connection, org: Row[Any], told: Reopen, moment: Moment) -> Done:
    """An approval's raise goes with it: the cap is lower by as much, never below its own limit."""
    row = found(conn, requests, told.request, "request")
    if row["status"] == "open" or row["decided_us"] < moment.now_us - TAKEN_BACK_US:
        raise AgentspendError(
            f"request {told.request} is open" if row["status"] == "open"
            else f"request {told.request} was {row['status']} more than ten minutes ago",
            "agentspend-server org show    has the caps: set one instead",
        )  # fmt: skip
    lines: list[Line] = []
    pool = conn.execute(select(pools).where(pools.c.id == row["pool"])).one()
    _still_asked(org, row, {"kind": pool.kind, "running": pool.running})
    if row["status"] == "approved":
        state = cases.state_of(pool)
        least_nusd = state.cap_nusd if pool.base_nusd is None else pool.base_nusd
        cap_nusd = max(least_nusd, state.cap_nusd - row["amount_nusd"])
        lines.append(Opened(state.id, cap_nusd, state.window, state.ends_us))
    after = {"status": "open", "decided_us": None, "decided_by": ""}
    lines.append(Filed("request", {**row, **after}))
    words = moment.words("request.reopen", request=told.request)
    answer = {"request": told.request, "status": "open"}
    return Done(answer, lines, words, policy=True, concerns=_payers(conn, row))


def _open(conn: Connection, name: str) -> RowMapping:
    row = found(conn, requests, name, "request")
    if row["status"] != "open":
        raise AgentspendError(
            f"request {name} of {dollars(row['amount_nusd'])} was {row['status']} by "
            f"{row['decided_by']}",
            "agentspend-server request list",
        )
    return row


def _decided(row: RowMapping, status: str, moment: Moment, amount_nusd: int) -> Filed:
    after = {
        "status": status, "amount_nusd": amount_nusd, "decided_us": moment.now_us,
        "decided_by": moment.caller.name,
    }  # fmt: skip
    return Filed("request", {**row, **after})


def _payers(conn: Connection, row: RowMapping) -> frozenset[str]:
    """Who is told that a pool has another cap: everybody who pays into it."""
    asked = select(pools.c.team, pools.c.member).where(pools.c.id == row["pool"])
    team, member = conn.execute(asked).one()
    if team:
        return frozenset({team})
    return _asker(conn, row) if member else EVERYONE


def _asker(conn: Connection, row: RowMapping) -> frozenset[str]:
    """The home team of who asked."""
    asked = select(members.c.team).join(devices, devices.c.member == members.c.id)
    return frozenset(conn.execute(asked.where(devices.c.id == row["device"])).scalars())


ACTS = (
    Act("request.list", Role.MEMBER, Listed, _list, "Who asks for more, and why"),
    Act("request.approve", Role.LEAD, Approve, _approve, "Raise the cap once, in this window"),
    Act("request.refuse", Role.LEAD, Refuse, _refuse, "Answer no"),
    Act("request.reopen", Role.LEAD, Reopen, _reopen, "Take an answer back within ten minutes"),
)
