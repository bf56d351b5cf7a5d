"""Who there is: organisations, teams, members, devices, and the pools people have defined."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    Table,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from sync_server.allowance.journal import Filed
from sync_server.allowance.pools import PoolState
from sync_server.store.cases import state_of
from sync_server.store.quick import Quick
from sync_server.store.tables import (
    IN_TEAM,
    accounts,
    devices,
    incarnations,
    invites,
    members,
    memberships,
    ordered,
    orgs,
    pools,
    requests,
    teams,
    tokens,
)

FILED: dict[str, Table] = {
    "org": orgs,
    "team": teams,
    "member": members,
    "device": devices,
    "pool": pools,
    "invite": invites,
    "token": tokens,
    "request": requests,
    "ordered": ordered,
}
"""The tables whose rows are lines of the journal."""

_NEW_POOL = {
    "cap_nusd": 0, "running": -1, "ends_us": None, "committed_nusd": 0, "outstanding_nusd": 0,
    "past_nusd": 0, "late_nusd": 0,
}  # fmt: skip
_SENDER = Quick(
    select(
        *(devices.c[name] for name in ("public_key", "member", "full_us", "left_us")),
        *(members.c.team, members.c.role),
    )
    .join(members, members.c.id == devices.c.member)
    .where(devices.c.id == bindparam("device"))
)
_ENDED = Quick(
    select(pools).where(pools.c.org == bindparam("org"), pools.c.ends_us <= bindparam("now_us"))
)
_COUNT = select(
    func.count(), func.count().filter(devices.c.seen_us >= bindparam("since_us"))
).where(IN_TEAM)
_CROWDS = {
    "org": _COUNT.where(devices.c.org == bindparam("org")),
    "team": _COUNT.join_from(devices, memberships, memberships.c.member == devices.c.member).where(
        memberships.c.team == bindparam("team"), memberships.c.active.is_(True)
    ),
    "member": _COUNT.where(devices.c.member == bindparam("member")),
}
_LIES = accounts.c.granted_nusd - accounts.c.returned_nusd - accounts.c.used_nusd
MOST_HOLDERS = 32
_HOLDERS = (
    select(incarnations.c.device, _LIES)
    .join(accounts, accounts.c.inc == incarnations.c.inc)
    .where(
        accounts.c.pool == bindparam("pool"),
        accounts.c.running == bindparam("running"),
        accounts.c.closed.is_(False),
        accounts.c.written_off.is_(False),
        _LIES > 0,
        incarnations.c.status == "active",
        incarnations.c.device != bindparam("device"),
    )
    .order_by(_LIES.desc())
    .limit(MOST_HOLDERS)
)
_LIES_HERE = (
    select(_LIES)
    .join(incarnations, accounts.c.inc == incarnations.c.inc)
    .where(
        accounts.c.pool == bindparam("pool"),
        accounts.c.running == bindparam("running"),
        incarnations.c.status == "active",
        incarnations.c.device == bindparam("device"),
    )
)
_SEEN = Quick(
    update(devices)
    .where(devices.c.id == bindparam("b_device"))
    .values(seen_us=bindparam("b_seen_us"), full_us=bindparam("b_full_us"))
)


LEADS = "!leads"
"""Stands for the devices of all leads where teams are named; no team is called so."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose device speaks, and what they may do now."""

    member: str
    team: str
    role: str


def speaker(conn: Connection, device: str) -> Speaker | None:
    """The member behind an active device; None where either was revoked, or the device left."""
    found = (
        select(members.c.id, members.c.team, members.c.role)
        .join(devices, devices.c.member == members.c.id)
        .where(devices.c.id == device, IN_TEAM, members.c.active.is_(True))
    )
    row = conn.execute(found).one_or_none()
    return Speaker(*row) if row is not None else None


def add_org(conn: Connection, org: str, name: str, zone: str) -> None:
    """A new organisation, with empty logs."""
    conn.execute(
        insert(orgs),
        {
            "id": org, "name": name, "zone": zone, "server_inc": 1, "journal_seq": 0,
            "audit_seq": 0, "audit_hash": "", "policy": 0, "policy_sha256": "",
        },
    )  # fmt: skip


def has_org(conn: Connection, org: str) -> bool:
    """Whether there is an organisation of this id."""
    found = conn.execute(select(orgs.c.id).where(orgs.c.id == org))
    return found.one_or_none() is not None


def served(conn: Connection, org: str, server_inc: int) -> None:
    """Another server has taken over."""
    conn.execute(update(orgs).where(orgs.c.id == org).values(server_inc=server_inc))


def put_back(conn: Connection, org: str, now_us: int) -> None:
    """A copy was put in the database's place: devices that have not spoken since are to report
    again what came after it."""
    conn.execute(update(orgs).where(orgs.c.id == org).values(restored_us=now_us))


def note_clock(conn: Connection, org: str, now_us: int) -> None:
    """The organisation was served at this moment, by a clock that is believed."""
    conn.execute(update(orgs).where(orgs.c.id == org).values(clock_us=now_us))


def file(conn: Connection, line: Filed) -> None:
    """Write a row that people decided on, new or over the one of its name.

    A device's public key is hex in the line and bytes in the table; a pool's money is not part of
    its definition and stays.
    """
    table = FILED[line.table]
    row = dict(line.row)
    if "public_key" in row:
        row["public_key"] = bytes.fromhex(row["public_key"])
    key = next(iter(table.primary_key))
    done = conn.execute(update(table).where(key == row[key.name]).values(row))
    if done.rowcount == 0:
        conn.execute(insert(table), {**(_NEW_POOL if table is pools else {}), **row})
    if table is members:
        _keep_memberships(conn, str(row["id"]))


def _keep_memberships(conn: Connection, member: str) -> None:
    """Draw a member's teams from their row; those that are not in it any more they have left."""
    row = conn.execute(select(members).where(members.c.id == member)).one()
    now = {row.team, *json.loads(row.further)}
    own = memberships.c.member == member
    known = set(conn.execute(select(memberships.c.team).where(own)).scalars())
    conn.execute(update(memberships).where(own).values(active=memberships.c.team.in_(now)))
    fresh = [{"member": member, "team": team, "active": True} for team in sorted(now - known)]
    if fresh:
        conn.execute(insert(memberships), fresh)


def teams_of(conn: Connection, *only: str) -> dict[str, list[str]]:
    """The teams of each member (of these alone), by their names; their home is among them."""
    asked = select(memberships.c.member, memberships.c.team).where(memberships.c.active.is_(True))
    if only:
        asked = asked.where(memberships.c.member.in_(only))
    found: dict[str, list[str]] = {}
    for name, team in conn.execute(asked.order_by(memberships.c.member, memberships.c.team)):
        found.setdefault(name, []).append(team)
    return found


def sender(conn: Connection, device: str) -> Any:
    """A device's `public_key`, `member`, `full_us` and `left_us`, and the member's home `team` and
    `role`; None for none.

    An expelled device keeps its key: it may still report.
    """
    return _SENDER.row(conn, {"device": device})


def device_of_key(conn: Connection, public: bytes) -> RowMapping | None:
    """The device of this key, if there is one."""
    found = select(devices).where(devices.c.public_key == public)
    return conn.execute(found).mappings().one_or_none()


def seen(conn: Connection, device: str, now_us: int, full_us: int) -> None:
    """A device has spoken, and has its whole share of the disk again at `full_us`."""
    _SEEN.run(conn, {"b_device": device, "b_seen_us": now_us, "b_full_us": full_us})


def crowd(conn: Connection, since_us: int, **whose: str) -> tuple[int, int]:
    """How many devices of an `org`, a `team` or a `member` are enrolled and active, and how many
    of them spoke since a moment."""
    (name,) = whose
    row = conn.execute(_CROWDS[name], {"since_us": since_us, **whose}).one()
    return int(row[0]), int(row[1])


def holders(conn: Connection, device: str, pool: str, window: int) -> list[tuple[str, int]]:
    """The devices other than this one on which most of a pool's rights lie, and how much; the
    richest first."""
    where = {"pool": pool, "running": window, "device": device}
    return [(str(row[0]), int(row[1])) for row in conn.execute(_HOLDERS, where)]


def lies(conn: Connection, device: str, pool: str, window: int) -> int:
    """How much of a pool's rights lies on this device."""
    where = {"pool": pool, "running": window, "device": device}
    return sum(int(row[0]) for row in conn.execute(_LIES_HERE, where))


def inc_of_nonce(conn: Connection, nonce: str) -> str | None:
    """The incarnation that answered a hello, if it was answered."""
    found: str | None = conn.execute(
        select(incarnations.c.inc).where(incarnations.c.nonce == nonce)
    ).scalar_one_or_none()
    return found


def invited(conn: Connection, code_sha256: str) -> RowMapping | None:
    """An invite with its member, if there is one of this code."""
    found = (
        select(invites, members.c.org, members.c.team, members.c.role, members.c.active)
        .join(members, members.c.id == invites.c.member)
        .where(invites.c.code_sha256 == code_sha256)
    )
    return conn.execute(found).mappings().one_or_none()


def invites_until(conn: Connection, member: str, after_us: int, until_us: int) -> int:
    """How many invites of a member, used or not, expire in this time."""
    asked = select(func.count()).where(
        invites.c.member == member,
        invites.c.expires_us > after_us,
        invites.c.expires_us <= until_us,
    )
    return int(conn.execute(asked.select_from(invites)).scalar_one())


def unused_invites(
    conn: Connection, member: str, after_us: int, until_us: int
) -> list[dict[str, Any]]:
    """The invites of a member that nobody has used and that expire in this time."""
    asked = select(invites).where(
        invites.c.member == member,
        invites.c.used_us.is_(None),
        invites.c.expires_us > after_us,
        invites.c.expires_us <= until_us,
    )
    return [dict(row) for row in conn.execute(asked).mappings()]


def enrolled(conn: Connection, public_key: bytes, nonce: str) -> RowMapping | None:
    """The device of this key, if it was enrolled by the request of this nonce."""
    found = (
        select(devices, incarnations.c.inc, members.c.team, members.c.role)
        .join(incarnations, incarnations.c.device == devices.c.id)
        .join(members, members.c.id == devices.c.member)
        .where(devices.c.public_key == public_key, incarnations.c.nonce == nonce)
    )
    return conn.execute(found).mappings().one_or_none()


def incs_of(conn: Connection, device: str) -> list[str]:
    """All ledgers a device ever had."""
    found = select(incarnations.c.inc).where(incarnations.c.device == device)
    return list(conn.execute(found.order_by(incarnations.c.inc)).scalars())


def ended_pools(conn: Connection, org: str, now_us: int) -> list[tuple[PoolState, str]]:
    """The pools whose window has ended, with its kind. Also removed ones: they hold back too.

    Their cap is the one a window begins with.
    """
    rows = _ENDED.rows(conn, {"org": org, "now_us": now_us})
    return [(_begins(row), row.kind) for row in rows]


def _begins(row: Row[Any]) -> PoolState:
    state = state_of(row)
    return state if row.base_nusd is None else state.with_cap(row.base_nusd)


def devices_of(conn: Connection, team_ids: Collection[str]) -> set[str]:
    """The devices of these teams, with `LEADS` those of all leads."""
    found = select(devices.c.id).join(members, members.c.id == devices.c.member)
    inside = select(memberships.c.member).where(
        memberships.c.team.in_(team_ids), memberships.c.active.is_(True)
    )
    concerned: list[ColumnElement[bool]] = [members.c.id.in_(inside)]
    if LEADS in team_ids:
        concerned.append(members.c.role == "lead")
    return set(conn.execute(found.where(or_(*concerned))).scalars())


def all_pools(conn: Connection, org: str) -> list[PoolState]:
    """Every pool of an organisation."""
    return [state_of(row) for row in conn.execute(select(pools).where(pools.c.org == org))]


def device_row(conn: Connection, device: str) -> dict[str, Any]:
    """A device's row as a line of the journal holds it. Raises `NoResultFound` for none."""
    found = conn.execute(select(devices).where(devices.c.id == device)).mappings().one()
    return {**found, "public_key": found["public_key"].hex()}
