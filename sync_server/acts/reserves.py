"""Emergency reserves inside caps: set by a lead, drawn by a developer once in a window."""

from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from agentspend.core.allowance.messages import DrawReserve
from agentspend.core.money import MAX_NUSD
from agentspend.core.printable import clean
from agentspend.wire.canonical import canonical
from sync_server import reserves, visibility
from sync_server.acts.act import EVERYONE, Act, Done, Moment, NotAllowed, Nothing
from sync_server.acts.finding import found
from sync_server.reserves import NotDrawn
from sync_server.roles import SPENDS, Role
from sync_server.store import cases, people
from sync_server.store.people import Speaker
from sync_server.store.tables import pools

MOST_REASON = 500
_POOL = select(pools).where(pools.c.id == bindparam("pool"))


class Reserve(msgspec.Struct, forbid_unknown_fields=True):
    """How much of a cap is kept for an emergency; null for nothing."""

    pool: Annotated[str, msgspec.Meta(max_length=200)]
    reserve_nusd: Annotated[int, msgspec.Meta(ge=0, le=MAX_NUSD)] | None


def _set(conn: Connection, org: Row[Any], told: Reserve, moment: Moment) -> Done:
    found(conn, pools, told.pool, "cap")
    rules = canonical(reserves.with_reserve(org.rules, told.pool, told.reserve_nusd)).decode()
    words = moment.words("reserve.set", pool=told.pool, reserve_nusd=told.reserve_nusd)
    answer = {"pool": told.pool, "reserve_nusd": told.reserve_nusd or 0}
    return Done(answer, (), words, org={"rules": rules}, concerns=EVERYONE)


def _list(conn: Connection, org: Row[Any], _told: Nothing, moment: Moment) -> Done:
    """Who drew and why is told to who pays into the pool, and where members are named."""
    onlooker = visibility.onlooker(conn, org, moment.caller.role, moment.caller.member)
    owners = people.teams_of(conn)
    lines = []
    for each in reserves.all_of(org.rules):
        row = conn.execute(_POOL, {"pool": each["pool"]}).one()
        if not onlooker.may_see(row, owners.get(row.member, ())):
            continue
        is_drawn = each["window"] == row.running
        is_told = is_drawn and onlooker.may_see_acts(row)
        lines.append({
            "pool": each["pool"], "reserve_nusd": each["nusd"], "drawn": is_drawn,
            "by": each["by"] if is_told else "", "why": each["why"] if is_told else "",
        })  # fmt: skip
    return Done({"reserves": lines})


def draw(conn: Connection, org: Row[Any], who: Speaker, asked: DrawReserve, _now_us: int) -> Done:
    """A device draws a reserve of a pool that it pays into. Raises `NotDrawn`, and `NotAllowed`
    for a viewer's."""
    if not Role(who.role).may(SPENDS):
        raise NotAllowed("a viewer draws no reserve", "ask a lead of your organisation")
    states = cases.pool_states(conn, org.id, asked.device)
    if asked.pool not in states:
        raise NotDrawn(f"there is no cap {asked.pool!r} above this device",
                       f"caps: {', '.join(states) or 'none'}")  # fmt: skip
    if not any(letter.isprintable() and not letter.isspace() for letter in asked.reason):
        raise NotDrawn("a reserve is drawn with a reason: the leads are told it",
                       f'agentspend team reserve {asked.pool} --reason "…"')  # fmt: skip
    why = clean(asked.reason[:MOST_REASON].strip())
    rules = reserves.drawn(org.rules, states[asked.pool], who.member, why)
    words = {"who": who.member, "what": "reserve.draw", "pool": asked.pool, "reason": why}
    text = canonical(rules).decode()
    return Done({"pool": asked.pool}, (), words, org={"rules": text}, concerns=EVERYONE)


ACTS = (
    Act("reserve.set", Role.LEAD, Reserve, _set, "Keep a part of a cap for an emergency"),
    Act("reserve.list", Role.MEMBER, Nothing, _list, "Every reserve, and who drew it and why"),
)
