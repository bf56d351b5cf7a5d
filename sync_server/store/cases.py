"""Load a case under the organisation's lock, and write back what the rules changed."""

import json
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.messages import Link, Status
from agentspend.core.allowance.pools import index_of
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window, WindowKind
from sync_server.allowance.case import Case, Incarnation
from sync_server.allowance.pools import PoolState
from sync_server.belonging import Belonging
from sync_server.reserves import kept_back
from sync_server.store.quick import Quick
from sync_server.store.tables import (
    accounts,
    devices,
    incarnations,
    members,
    memberships,
    orgs,
    pools,
    teams,
)
from sync_server.unheld import Terms, TermsOf

_OWN = frozenset({"member", "device"})
_SUMS = ("committed_nusd", "outstanding_nusd", "past_nusd", "late_nusd")
_ACCOUNT = select(accounts).where(accounts.c.inc == bindparam("inc"))
_OPEN = Quick(_ACCOUNT.where(accounts.c.closed.is_(False)))
_ONE = Quick(
    _ACCOUNT.where(accounts.c.pool == bindparam("pool"), accounts.c.running == bindparam("running"))
)
_RIGHTS = ("granted_nusd", "returned_nusd", "used_nusd", "closed", "written_off")
_UPDATE_ACCOUNT = Quick(
    update(accounts)
    .where(
        accounts.c.inc == bindparam("b_inc"),
        accounts.c.pool == bindparam("b_pool"),
        accounts.c.running == bindparam("b_running"),
    )
    .values({name: bindparam(name) for name in _RIGHTS})
)
_ORG = Quick(select(orgs).where(orgs.c.id == bindparam("org")).with_for_update())
_LOOK = select(orgs).where(orgs.c.id == bindparam("org"))
_WHO = (
    select(devices.c.member, members.c.team)
    .join(members, members.c.id == devices.c.member)
    .where(devices.c.id == bindparam("device"))
)
_POOLS = Quick(
    select(pools)
    .where(
        pools.c.org == bindparam("org"),
        pools.c.active.is_(True),
        or_(
            pools.c.team.is_(None),
            pools.c.team.in_(
                select(memberships.c.team).where(memberships.c.member == bindparam("member"))
            ),
        ),
        or_(pools.c.member.is_(None), pools.c.member == bindparam("member")),
    )
    .order_by(pools.c.id)
)
_TEAMS = Quick(
    select(memberships.c.team, memberships.c.active, teams.c.frozen)
    .join(teams, teams.c.id == memberships.c.team)
    .where(memberships.c.member == bindparam("member"))
)
_POOL = Quick(select(pools).where(pools.c.id == bindparam("pool")))
_SAVE_POOL = Quick(
    update(pools)
    .where(pools.c.id == bindparam("b_id"))
    .values({name: bindparam(name) for name in (*_SUMS, "cap_nusd", "running", "ends_us")})
)
_RANK = ("device", "nonce", "status", "seq", "head", "parent", "moved_nusd", "begun_us")
_SAVE_INCARNATION = Quick(
    update(incarnations)
    .where(incarnations.c.inc == bindparam("b_inc"))
    .values({name: bindparam(name) for name in _RANK})
)
_UNSPENT = accounts.c.granted_nusd - accounts.c.returned_nusd - accounts.c.used_nusd
_LEFT_BEHIND = Quick(
    select(_UNSPENT.label("nusd"))
    .join(incarnations, incarnations.c.inc == accounts.c.inc)
    .where(
        incarnations.c.device == bindparam("device"),
        accounts.c.inc != bindparam("inc"),
        accounts.c.pool == bindparam("pool"),
        accounts.c.running == bindparam("running"),
        accounts.c.closed.is_(False),
        accounts.c.written_off.is_(False),
    )
)
_NEW_ACCOUNT, _NEW_INCARNATION = Quick(insert(accounts)), insert(incarnations)
_INCARNATION = Quick(select(incarnations).where(incarnations.c.inc == bindparam("inc")))


def lock(conn: Connection, org: str) -> Any:
    """The organisation's row, locked until the transaction ends: decisions come one by one."""
    return _ORG.one(conn, {"org": org})


def org_row(conn: Connection, org: str) -> Row[Any]:
    """The organisation's row, for those who only look."""
    return conn.execute(_LOOK, {"org": org}).one()


class Accounts(MutableMapping[Place, Account]):
    """The accounts of one incarnation: the open ones at once, any other when it is asked for.

    Years of closed windows are never read, and what is new is known from what is there.
    """

    def __init__(self, conn: Connection, inc: str) -> None:
        self._conn = conn
        self._inc = inc
        self._rows: dict[Place, Account | None] = {}
        self._stored: set[Place] = set()
        self._dirty: dict[Place, None] = {}
        for row in _OPEN.rows(conn, {"inc": inc}):
            self._found(row)

    def __getitem__(self, place: Place) -> Account:
        if place not in self._rows:
            where = {"inc": self._inc, "pool": place.pool, "running": place.window}
            row = _ONE.row(self._conn, where)
            self._rows[place] = None
            if row is not None:
                self._found(row)
        account = self._rows[place]
        if account is None:
            raise KeyError(place)
        return account

    def __setitem__(self, place: Place, account: Account) -> None:
        self._rows[place] = account
        self._dirty[place] = None

    def __delitem__(self, place: Place) -> None:
        raise TypeError("an account is closed, never deleted")

    def __iter__(self) -> Iterator[Place]:
        return iter([place for place, account in self._rows.items() if account is not None])

    def __len__(self) -> int:
        return sum(account is not None for account in self._rows.values())

    def save(self) -> None:
        """Write back what was changed."""
        new, old = [], []
        for place in self._dirty:
            account = self[place]
            values = {name: getattr(account, name) for name in _RIGHTS}
            if place in self._stored:
                keys = {"b_inc": self._inc, "b_pool": place.pool, "b_running": place.window}
                old.append({**keys, **values})
            else:
                row = {"inc": self._inc, "pool": place.pool, "running": place.window}
                new.append({**row, **values})
        if new:
            _NEW_ACCOUNT.run_each(self._conn, new)
        if old:
            _UPDATE_ACCOUNT.run_each(self._conn, old)
        self._stored.update(self._dirty)
        self._dirty.clear()

    def _found(self, row: Row[Any]) -> None:
        place = Place(row.pool, row.running)
        self._stored.add(place)
        self._rows[place] = Account(
            row.granted_nusd,
            row.returned_nusd,
            row.used_nusd,
            closed=row.closed,
            written_off=row.written_off,
        )


class Loaded:
    """A case with the memory of how it was, so that only changes are written."""

    def __init__(
        self, conn: Connection, org: str, inc: str, sender: tuple[str, Any] | None = None
    ) -> None:
        """`sender` is a device and whose it is (`people.sender`), when it was looked up already."""
        self._conn = conn
        known = find_incarnation(conn, inc)
        self.accounts = Accounts(conn, inc)
        self._incarnation = known
        device = known.device if known else ""
        who = sender[1] if sender is not None and sender[0] == device else None
        above = pools_above(conn, org, device, who)
        told = {row.id: row for row in (*above.rows, *above.left)}
        others = {place.pool for place in self.accounts} - told.keys()
        rows = [_POOL.one(conn, {"pool": name}) for name in sorted(others)]
        self._pools = {row.id: state_of(row) for row in (*told.values(), *rows)}
        left = frozenset(row.id for row in (*above.left, *rows) if row.active)
        gone = left.union(others)
        owners = {row.id: row.team for row in (*told.values(), *rows) if row.team}
        self._terms: dict[str, Terms] = {}
        self.case = Case(
            known, self.accounts, dict(self._pools), gone, left,
            shared={row.id: whose for row in above.rows if (whose := _shared(row))},
            belongs=replace(above.belongs, owners=owners),
            own=frozenset(row.id for row in above.rows if row.member and not row.team),
            left_behind_nusd=lambda place: _left_behind_nusd(conn, device, inc, place),
        )  # fmt: skip

    def keep_back(self, rules: str) -> None:
        """Grant nothing of a reserve that nobody has drawn."""
        kept = kept_back(rules, self._pools)
        self._pools |= kept
        self.case.pools |= kept

    def looks_only(self) -> None:
        """Grant nothing, and ask back all there is; what is spent counts all the same."""
        self.case.left |= self.case.pools.keys() - self.case.gone
        self.case.gone = frozenset(self.case.pools)

    def terms_of(self, now_us: int, zone: str) -> TermsOf:
        """Whose spending counts in a pool, read when it is asked for."""

        def found(pool: str) -> Terms:
            if pool not in self._terms:
                row = _POOL.one(self._conn, {"pool": pool})
                self._terms[pool] = terms(row, now_us, zone)
            return self._terms[pool]

        return found

    def save(self) -> None:
        """Write back what the rules changed."""
        now = self.case.incarnation
        if now is not None and now != self._incarnation:
            save_incarnation(self._conn, now, new=self._incarnation is None)
        pools_now = self.case.pools.items()
        save_pools(self._conn, [each for name, each in pools_now if each != self._pools.get(name)])
        self.accounts.save()


def _left_behind_nusd(conn: Connection, device: str, inc: str, place: Place) -> int:
    where = {"device": device, "inc": inc, "pool": place.pool, "running": place.window}
    return sum(max(0, int(row.nusd)) for row in _LEFT_BEHIND.rows(conn, where))


def find_incarnation(conn: Connection, inc: str) -> Incarnation | None:
    """An incarnation by its name."""
    row = _INCARNATION.row(conn, {"inc": inc})
    return None if row is None else _incarnation(row)


def incarnations_of(conn: Connection, device: str) -> list[Incarnation]:
    """All ledgers a device ever had."""
    found = select(incarnations).where(incarnations.c.device == device)
    return [_incarnation(row) for row in conn.execute(found.order_by(incarnations.c.inc))]


def _incarnation(row: Row[Any]) -> Incarnation:
    end = Link(row.seq, row.head)
    status = Status(row.status)
    return Incarnation(
        row.inc, row.device, row.nonce, status, end, row.parent, row.moved_nusd, row.begun_us
    )


def save_incarnation(conn: Connection, found: Incarnation, *, new: bool = False) -> None:
    """Write an incarnation down."""
    values = {
        "device": found.device,
        "nonce": found.nonce,
        "status": found.status.value,
        "seq": found.end.seq,
        "head": found.end.hash,
        "parent": found.parent,
        "moved_nusd": found.moved_nusd,
        "begun_us": found.begun_us,
    }
    if new:
        conn.execute(_NEW_INCARNATION, {"inc": found.inc, **values})
    else:
        _SAVE_INCARNATION.run(conn, {"b_inc": found.inc, **values})


class Above(NamedTuple):
    """The caps above a device: of what it may pay into, and of teams that its member has left."""

    belongs: Belonging
    rows: Sequence[Row[Any]]
    left: Sequence[Row[Any]]


def pools_above(conn: Connection, org: str, device: str, who: Any = None) -> Above:
    """The active pools above a device: of everybody, of its member's teams, and its own.

    `who` is the device's member and home team, when known.
    """
    if who is None:
        who = conn.execute(_WHO, {"device": device}).one_or_none()
    if who is None:
        return Above(Belonging(), (), ())
    belongs = belonging(conn, who.member, who.team)
    rows: list[Row[Any]] = []
    left: list[Row[Any]] = []
    for row in _POOLS.rows(conn, {"org": org, "member": who.member}):
        if _device_of(row) in (None, device):
            (rows if row.team is None or row.team in belongs.teams else left).append(row)
    return Above(belongs, rows, left)


def belonging(conn: Connection, member: str, home: str) -> Belonging:
    """A member's teams, without what is whose."""
    rows = _TEAMS.rows(conn, {"member": member})
    return Belonging(
        home=home,
        teams=frozenset(row.team for row in rows if row.active),
        known=frozenset(row.team for row in rows),
        frozen=frozenset(row.team for row in rows if row.frozen),
    )


def pool_states(conn: Connection, org: str, device: str) -> dict[str, PoolState]:
    """The active pools a device may pay into."""
    return {row.id: state_of(row) for row in pools_above(conn, org, device).rows}


def _device_of(row: Row[Any]) -> str | None:
    """The device whose alone a pool is."""
    return None if row.scope == "{}" else json.loads(row.scope).get("device")


def _shared(row: Row[Any]) -> str:
    """Who pays into a pool, as `Case.shared` says it; "" is everybody."""
    if _device_of(row):
        return "device"
    return "member" if row.member else f"team {row.team}" if row.team else ""


def terms(row: Row[Any], at_us: int, zone: str) -> Terms:
    """A pool's terms in the window that runs at a moment; its member and device are known."""
    said = {key: value for key, value in json.loads(row.scope).items() if key not in _OWN}
    _, here = index_of(Window(WindowKind(row.kind)), at_us, ZoneInfo(zone))
    return Terms(Scope.of(said), here.starts_us)


def pool_state(conn: Connection, pool: str) -> PoolState:
    """One pool. Raises `NoResultFound` for one that was never defined."""
    return state_of(_POOL.one(conn, {"pool": pool}))


def state_of(row: Row[Any]) -> PoolState:
    """A pool's row as the rules know it."""
    sums = {name: getattr(row, name) for name in _SUMS}
    return PoolState(row.id, row.cap_nusd, row.running, row.ends_us, **sums)


def states_of(rows: Iterable[Row[Any]], rules: str) -> dict[str, PoolState]:
    """Pools as people see them, by name: what is kept for an emergency is not free."""
    found = {row.id: state_of(row) for row in rows}
    return {**found, **kept_back(rules, found)}


def save_pool(conn: Connection, state: PoolState) -> None:
    """Write a pool's cap, window and sums back."""
    save_pools(conn, [state])


def save_pools(conn: Connection, states: list[PoolState]) -> None:
    """Write several pools back."""
    rows = [
        {
            "b_id": state.id, "cap_nusd": state.cap_nusd, "running": state.window,
            "ends_us": state.ends_us, **{name: getattr(state, name) for name in _SUMS},
        }
        for state in states
    ]  # fmt: skip
    if rows:
        _SAVE_POOL.run_each(conn, rows)
