"""How the team stands, for a screen: each cap, who spends there, and who asks for more.

Only looks. What it answers is bounded, however large the organisation is. Other members are named
to leads, and to everybody as far as the policy says (`visibility`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, func, or_, select

from agentspend.core.allowance.messages import Burner, Look, Overview, PoolSeen, Question
from agentspend.core.money import MAX_NUSD
from sync_server import burning, visibility
from sync_server.allowance.pools import PoolState
from sync_server.burning import Burning, Counts, Lately
from sync_server.policies import level_of
from sync_server.raises import WAITS, still_asked
from sync_server.roles import Role
from sync_server.store import cases, people
from sync_server.store.tables import devices, members, pools, requests
from sync_server.visibility import Onlooker, Visibility

NEVER = Lately()
MOST_POOLS = 40
MOST_QUESTIONS = 40
LONGEST_WINDOW_US = 32 * 86_400_000_000
"""No window but `total` is longer: an older question is over."""

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
    .where(WAITS)
    .order_by(requests.c.asked_us, requests.c.id)
)


@dataclass(frozen=True, slots=True)
class At:
    """When somebody looks, and how many devices there are."""

    now_us: int
    enrolled: int


def overview(
    conn: Connection, org: Row[Any], who: people.Speaker, look: Look, counts: Counts, at: At
) -> Overview:
    """The answer to one device's look."""
    is_lead = Role(who.role).may(Role.LEAD)
    rows = _pools(conn, org, look.device, everyones=is_lead)
    belongs = cases.belonging(conn, who.member, who.team)
    onlooker = visibility.onlooker(conn, org, Role(who.role), who.member)
    shown = rows[:MOST_POOLS]
    states = cases.states_of(shown, org.rules)
    burners = _shown(conn, [row.id for row in shown], onlooker, counts, at)
    asked = _OPEN.where(
        requests.c.org == org.id,
        or_(pools.c.kind == "total", requests.c.asked_us >= at.now_us - LONGEST_WINDOW_US),
    )
    asked = asked if is_lead else asked.where(devices.c.member == who.member)
    questions = [
        _question(row)
        for row in conn.execute(asked).mappings()
        if still_asked(row, row["asked_us"], org.zone)
    ]
    return Overview(
        device=look.device,
        in_reply_to=look.nonce,
        server_us=at.now_us,
        role=who.role,
        frozen=bool(org.frozen or belongs.teams <= belongs.frozen),
        pools=tuple(_seen(row, states[row.id], *burners[row.id]) for row in shown),
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


def _shown(
    conn: Connection, names: list[str], onlooker: Onlooker, counts: Counts, at: At
) -> Mapping[str, tuple[Burning, list[Burner]]]:
    """Who spends in these pools' running windows, and those of them that are shown: by name, or by
    number."""
    all_of_them = counts.first(conn, names, at.now_us, at.enrolled)
    wide = [team for team, seen in onlooker.at_own.items() if seen is not Visibility.AGGREGATE]
    if onlooker.at_all is not Visibility.AGGREGATE:
        lines = {name: each.lines for name, each in all_of_them.items()}
    elif wide:
        theirs = counts.of_teams(conn, names, wide, at.now_us, at.enrolled)
        lines = {name: each.lines for name, each in theirs.items()}
    else:
        own = burning.of_member(conn, names, onlooker.member)
        lines = {name: (line,) for name, line in own.items()}
    whose = {line.member for each in lines.values() for line in each}
    recent = burning.lately(conn, whose, at.now_us)
    teams = people.teams_of(conn, *whose) if wide and whose else {}
    found: dict[str, tuple[Burning, list[Burner]]] = {}
    for name, count in all_of_them.items():
        found[name] = count, []
        for line in lines.get(name, ()):
            seen = onlooker.sees(line.member, teams.get(line.member, ()))
            if seen is Visibility.AGGREGATE:
                continue
            is_named = seen is Visibility.NAMED
            called = line.member if is_named else visibility.numbered(line.rank)
            busy = recent.get(line.member, NEVER)
            sums = _told(line.spent_nusd), _told(line.out_nusd), _told(busy.nusd)
            burner = Burner(called, *sums, busy.seen_us)
            found[name][1].append(burner)
    return found


def _seen(row: Row[Any], state: PoolState, count: Burning, named: list[Burner]) -> PoolSeen:
    """A pool with the members as they may be seen, and the sum of others."""
    return PoolSeen(
        pool=state.id,
        level=level_of(row),
        window=row.kind,
        cap_nusd=state.cap_nusd,
        spent_nusd=_told(state.committed_nusd - state.outstanding_nusd + state.late_nusd),
        out_nusd=_told(state.outstanding_nusd + state.past_nusd),
        free_nusd=max(0, state.available_nusd),
        ends_us=state.ends_us,
        members=tuple(named),
        others=max(0, count.count - len(named)),
        others_nusd=_told(max(0, count.all_nusd - sum(each.spent_nusd for each in named))),
        reserve_nusd=state.reserve_nusd,
    )


def _told(nusd: int) -> int:
    """A sum as a message can say it. Two ledgers that claim fantastic amounts come to more, and are
    to be seen by the leads, not to keep the whole team from everybody."""
    return min(nusd, MAX_NUSD)


def _question(row: RowMapping) -> Question:
    kept = ("member", "label", "team", "pool", "amount_nusd", "reason", "asked_us")
    return Question(row["id"], **{name: row[name] for name in kept})
