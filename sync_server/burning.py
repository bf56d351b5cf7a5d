"""Who spends in each pool: the first few, how many there are, and what all of them spent.

To count that, every account of a running window is read, so in a large organisation one count
serves everybody who looks, for some seconds. Nothing is decided by it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, case, func, select

from sync_server.store.tables import (
    accounts,
    devices,
    incarnations,
    memberships,
    pools,
    spending,
)

MOST_MEMBERS = 10
FEW_DEVICES = 500
LASTS_US = 1_000
"""A count lasts as long as this for each device, from so many devices on; at most `LONGEST_US`."""
LONGEST_US = 30_000_000
HOUR_US = 3_600_000_000
KEPT = 1_000

_left = accounts.c.granted_nusd - accounts.c.returned_nusd - accounts.c.used_nusd
_over = case((_left > 0, _left), else_=0)
_SPENT = func.sum(accounts.c.used_nusd + case((accounts.c.written_off, _over), else_=0))
_OUT = func.sum(case((accounts.c.closed | accounts.c.written_off, 0), else_=_over))
_RUNNING = and_(accounts.c.pool == pools.c.id, accounts.c.running == pools.c.running)
_BURN = (
    select(accounts.c.pool, devices.c.member, _SPENT.label("spent"), _OUT.label("out"))
    .join(pools, _RUNNING)
    .join(incarnations, incarnations.c.inc == accounts.c.inc)
    .join(devices, devices.c.id == incarnations.c.device)
    .group_by(accounts.c.pool, devices.c.member)
)
_LEDGERS = select(devices.c.member, devices.c.seen_us, incarnations.c.inc).outerjoin(
    incarnations, incarnations.c.device == devices.c.id
)
_LATELY = (
    select(spending.c.inc, func.sum(spending.c.amount_nusd))
    .where(spending.c.counted != "subscription")
    .group_by(spending.c.inc)
)


class Line(NamedTuple):
    """A member in a pool: which place they have there, what they spent, what lies on devices."""

    rank: int
    member: str
    spent_nusd: int
    out_nusd: int


@dataclass(frozen=True, slots=True)
class Burning:
    """One pool: some of its members in order, of `count` who spent `all_nusd` together."""

    lines: tuple[Line, ...] = ()
    count: int = 0
    all_nusd: int = 0


NOBODY = Burning()


@dataclass(frozen=True, slots=True)
class Lately:
    """A member: what they spent since the last full hour began, and when they were heard last."""

    nusd: int = 0
    seen_us: int = 0


class Counts:
    """The last count of each pool, for whom it was made, and when."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, tuple[str, ...]], tuple[int, Burning]] = {}

    def first(
        self, conn: Connection, names: Iterable[str], now_us: int, enrolled: int
    ) -> dict[str, Burning]:
        """Those who spent most in each of these pools; `enrolled` is how many devices there are."""
        return self._at(conn, names, (), now_us, enrolled)

    def of_teams(
        self,
        conn: Connection,
        names: Iterable[str],
        teams: Collection[str],
        now_us: int,
        enrolled: int,
    ) -> dict[str, Burning]:
        """The same among the members of some teams, with the place they have among all."""
        return self._at(conn, names, tuple(sorted(teams)), now_us, enrolled)

    def _at(
        self,
        conn: Connection,
        names: Iterable[str],
        teams: tuple[str, ...],
        now_us: int,
        enrolled: int,
    ) -> dict[str, Burning]:
        lasts_us = 0 if enrolled < FEW_DEVICES else min(LONGEST_US, enrolled * LASTS_US)
        found: dict[str, Burning] = {}
        missing = []
        for name in names:
            at_us, burning = self._kept.get((name, teams), (now_us - lasts_us, NOBODY))
            if at_us <= now_us < at_us + lasts_us:
                found[name] = burning
            else:
                missing.append(name)
        if missing:
            fresh = _counted(conn, missing, teams)
            if len(self._kept) + len(fresh) > KEPT:
                self._kept.clear()
            self._kept |= {(name, teams): (now_us, each) for name, each in fresh.items()}
            found |= fresh
        return found


def of_member(conn: Connection, names: Sequence[str], member: str) -> dict[str, Line]:
    """What one member spent in these pools; their place among others is not counted."""
    own = select(incarnations.c.inc).join(devices, devices.c.id == incarnations.c.device)
    ledgers = conn.execute(own.where(devices.c.member == member)).scalars().all()
    asked = _BURN.where(accounts.c.inc.in_(ledgers), accounts.c.pool.in_(names))
    return {row.pool: Line(0, member, int(row.spent), int(row.out)) for row in conn.execute(asked)}


def lately(conn: Connection, members: Collection[str], now_us: int) -> dict[str, Lately]:
    """How busy these members are. Read by the hour, of this one and those beside it: a device's
    clock may be a little ahead."""
    ledgers: dict[str, str] = {}
    seen: dict[str, int] = {}
    for member, seen_us, inc in conn.execute(_LEDGERS.where(devices.c.member.in_(members))):
        seen[member] = max(seen.get(member, 0), seen_us)
        if inc is not None:
            ledgers[inc] = member
    hour = now_us // HOUR_US
    spent: dict[str, int] = {}
    asked = _LATELY.where(
        spending.c.hour.in_([hour - 1, hour, hour + 1]), spending.c.inc.in_(list(ledgers))
    )
    for inc, nusd in conn.execute(asked):
        spent[ledgers[inc]] = spent.get(ledgers[inc], 0) + int(nusd or 0)
    return {name: Lately(max(0, spent.get(name, 0)), at) for name, at in seen.items()}


def _counted(
    conn: Connection, names: Sequence[str], teams: tuple[str, ...]
) -> Mapping[str, Burning]:
    """The pools counted anew, all in one statement: only what is shown leaves the database."""
    lines: dict[str, list[Line]] = {name: [] for name in names}
    sums: dict[str, tuple[int, int]] = {}
    for row in conn.execute(_ranked(names, teams)):
        lines[row.pool].append(Line(row.rank, row.member, int(row.spent), int(row.out)))
        sums[row.pool] = int(row.members), int(row.all_nusd)
    return {name: Burning(tuple(found), *sums.get(name, (0, 0))) for name, found in lines.items()}


def _ranked(names: Sequence[str], teams: tuple[str, ...]) -> Select[Any]:
    burn = _BURN.where(accounts.c.pool.in_(names)).subquery()
    order = (burn.c.spent.desc(), burn.c.out.desc(), burn.c.member)
    ranked = select(
        burn,
        func.row_number().over(partition_by=burn.c.pool, order_by=order).label("rank"),
        func.count().over(partition_by=burn.c.pool).label("members"),
        func.sum(burn.c.spent).over(partition_by=burn.c.pool).label("all_nusd"),
    ).subquery()
    asked = select(ranked).order_by(ranked.c.pool, ranked.c.rank)
    if not teams:
        return asked.where(ranked.c.rank <= MOST_MEMBERS)
    theirs = select(memberships.c.member).where(
        memberships.c.team.in_(teams), memberships.c.active.is_(True)
    )
    place = func.row_number().over(partition_by=ranked.c.pool, order_by=ranked.c.rank)
    among = select(ranked, place.label("place")).where(ranked.c.member.in_(theirs)).subquery()
    return select(among).where(among.c.place <= MOST_MEMBERS).order_by(among.c.pool, among.c.rank)
