"""How the team stands, for a screen: each cap, who spends there, and who asks for more.

Only looks. What it answers is bounded, however large the organisation is. Other members are named
to leads, and to everybody as far as the policy says (`visibility`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, and_, case, func, select

from agentspend.core.allowance.messages import Burner, Look, Overview, PoolSeen, Question
from sync_server import visibility
from sync_server.acts.act import Role
from sync_server.allowance.pools import PoolState
from sync_server.policies import level_of
from sync_server.raises import still_asked
from sync_server.store import cases, people
from sync_server.store.tables import (
    accounts,
    devices,
    incarnations,
    members,
    pools,
    requests,
    spending,
)
from sync_server.visibility import Onlooker, Visibility

MOST_POOLS = 40
MOST_MEMBERS = 10
MOST_QUESTIONS = 40
HOUR_US = 3_600_000_000

_left = accounts.c.granted_nusd - accounts.c.returned_nusd - accounts.c.used_nusd
_over = case((_left > 0, _left), else_=0)
_SPENT = func.sum(accounts.c.used_nusd + case((accounts.c.written_off, _over), else_=0))
_OUT = func.sum(case((accounts.c.closed | accounts.c.written_off, 0), else_=_over))
_RUNNING = and_(accounts.c.pool == pools.c.id, accounts.c.running == pools.c.running)
_BURN = (
    select(accounts.c.pool, devices.c.member, _SPENT, _OUT)
    .join(pools, _RUNNING)
    .join(incarnations, incarnations.c.inc == accounts.c.inc)
    .join(devices, devices.c.id == incarnations.c.device)
    .group_by(accounts.c.pool, devices.c.member)
)
_LATELY = (
    select(devices.c.member, func.sum(spending.c.amount_nusd))
    .join(incarnations, incarnations.c.inc == spending.c.inc)
    .join(devices, devices.c.id == incarnations.c.device)
    .where(spending.c.counted != "subscription")
    .group_by(devices.c.member)
)
_SEEN = select(devices.c.member, func.max(devices.c.seen_us)).group_by(devices.c.member)
_OPEN = (
    select(
        requests,
        devices.c.member,
        devices.c.label,
        func.coalesce(pools.c.team, members.c.team).label("team"),
        pools.c.kind,
        pools.c.running,
    )
    .join(pools, pools.c.id == requests.c.pool)
    .join(devices, devices.c.id == requests.c.device)
    .join(members, members.c.id == devices.c.member)
    .where(requests.c.status == "open")
    .order_by(requests.c.asked_us, requests.c.id)
)


def overview(
    conn: Connection, org: Row[Any], who: people.Speaker, look: Look, now_us: int
) -> Overview:
    """The answer to one device's look."""
    is_lead = Role(who.role).may(Role.LEAD)
    rows = _pools(conn, org, look.device, everyones=is_lead)
    belongs = cases.belonging(conn, who.member, who.team)
    onlooker = visibility.onlooker(conn, org, Role(who.role), who.member)
    shown = rows[:MOST_POOLS]
    states = cases.states_of(shown, org.rules)
    burners = _burners(conn, [row.id for row in shown], org.id, now_us)
    questions = [
        _question(row)
        for row in conn.execute(_OPEN.where(requests.c.org == org.id)).mappings()
        if (is_lead or row["member"] == who.member) and still_asked(row, row["asked_us"], org.zone)
    ]
    return Overview(
        device=look.device,
        in_reply_to=look.nonce,
        server_us=now_us,
        role=who.role,
        frozen=bool(org.frozen or belongs.teams <= belongs.frozen),
        pools=tuple(_seen(row, states[row.id], burners.get(row.id, []), onlooker) for row in shown),
        questions=tuple(questions[:MOST_QUESTIONS]),
        left_out=len(rows[MOST_POOLS:]) + len(questions[MOST_QUESTIONS:]),
    )


def _pools(conn: Connection, org: Row[Any], device: str, *, everyones: bool) -> list[Row[Any]]:
    """The device's own pools, then for a lead all others."""
    own = cases.pool_states(conn, org.id, device)
    asked = select(pools).where(pools.c.org == org.id, pools.c.active.is_(True))
    if not everyones:
        asked = asked.where(pools.c.id.in_(own))
    return sorted(conn.execute(asked), key=lambda row: (row.id not in own, row.id))


def _burners(
    conn: Connection, names: list[str], org: str, now_us: int
) -> Mapping[str, list[tuple[Collection[str], Burner]]]:
    """Who spends in these pools' running windows, most first, each after their teams."""
    since = now_us // HOUR_US - 1
    lately = _sums(conn.execute(_LATELY.where(spending.c.hour >= since)))
    seen = _sums(conn.execute(_SEEN.where(devices.c.org == org)))
    teams = people.teams_of(conn)
    found: defaultdict[str, list[tuple[Collection[str], Burner]]] = defaultdict(list)
    for pool, member, spent, out in conn.execute(_BURN.where(accounts.c.pool.in_(names))):
        last = lately.get(member, 0), seen.get(member, 0)
        found[pool].append((teams.get(member, ()), Burner(member, int(spent), int(out), *last)))
    for each in found.values():
        each.sort(key=lambda one: (-one[1].spent_nusd, -one[1].out_nusd, one[1].member))
    return found


def _sums(rows: Iterable[Any]) -> dict[str, int]:
    return {member: max(0, int(amount or 0)) for member, amount in rows}


def _seen(
    row: Row[Any],
    state: PoolState,
    burners: list[tuple[Collection[str], Burner]],
    onlooker: Onlooker,
) -> PoolSeen:
    """A pool with the members as they may be seen: by name, by number, or in the sum of others."""
    shown = []
    for rank, (theirs, each) in enumerate(burners, 1):
        seen = onlooker.sees(each.member, theirs)
        if seen is Visibility.PSEUDONYMOUS:
            shown.append(replace(each, member=visibility.numbered(rank)))
        elif seen is Visibility.NAMED:
            shown.append(each)
    named = shown[:MOST_MEMBERS]
    all_nusd = sum(each.spent_nusd for _, each in burners)
    out_nusd = state.outstanding_nusd + state.past_nusd
    return PoolSeen(
        pool=state.id,
        level=level_of(row),
        window=row.kind,
        cap_nusd=state.cap_nusd,
        spent_nusd=state.committed_nusd - state.outstanding_nusd + state.late_nusd,
        out_nusd=out_nusd,
        free_nusd=max(0, state.available_nusd),
        ends_us=state.ends_us,
        members=tuple(named),
        others=len(burners) - len(named),
        others_nusd=all_nusd - sum(each.spent_nusd for each in named),
        reserve_nusd=state.reserve_nusd,
    )


def _question(row: RowMapping) -> Question:
    kept = ("member", "label", "team", "pool", "amount_nusd", "reason", "asked_us")
    return Question(row["id"], **{name: row[name] for name in kept})
