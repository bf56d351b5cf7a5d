"""Looking: who and what there is, what people decided, and the entries themselves."""

import json
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from agentspend.core.money import MAX_NUSD
from sync_server.acts.act import Act, Done, Moment, Nothing
from sync_server.acts.caps import lines
from sync_server.acts.clock import told
from sync_server.roles import Role
from sync_server.store.tables import IN_TEAM, audit, devices, entries, incarnations, members

Us = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUSD)]
MOST_LINES = 1_000
MOST_ENTRIES = 500


class Page(msgspec.Struct, forbid_unknown_fields=True):
    """What follows a number, at most so much."""

    after_seq: Us = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_LINES)] = 100


class LedgerPage(msgspec.Struct, forbid_unknown_fields=True):
    """A ledger's entries that follow a number."""

    inc: Annotated[str, msgspec.Meta(max_length=80)]
    after_seq: Us = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ENTRIES)] = MOST_ENTRIES


def _audit(conn: Connection, org: Row[Any], told: Page, _moment: Moment) -> Done:
    asked = (
        select(audit.c.seq, audit.c.hash, audit.c.body)
        .where(audit.c.org == org.id, audit.c.seq > told.after_seq)
        .order_by(audit.c.seq)
        .limit(told.limit)
    )
    acts = [{**json.loads(row.body), "hash": row.hash} for row in conn.execute(asked)]
    return Done({"acts": acts, "end": {"seq": org.audit_seq, "hash": org.audit_hash}})


def _show(conn: Connection, org: Row[Any], _: Nothing, moment: Moment) -> Done:
    answer = {
        "org": org.name,
        "zone": org.zone,
        "policy": org.policy,
        "frozen": bool(org.frozen),
        "clock": told(org, moment.now_us),
        "caps": lines(conn, org, moment.caller),
        "members": conn.execute(_count(members, members.c.active.is_(True))).scalar_one(),
        "devices": conn.execute(_count(devices, IN_TEAM)).scalar_one(),
    }
    return Done(answer)


def _count(table: Any, which: Any) -> Any:
    return select(func.count()).select_from(table).where(which)


def _ledgers(conn: Connection, _org: Row[Any], _told: Nothing, _moment: Moment) -> Done:
    asked = (
        select(incarnations, devices.c.member)
        .join(devices, devices.c.id == incarnations.c.device)
        .order_by(incarnations.c.inc)
    )
    kept = ("inc", "device", "member", "status", "seq", "head")
    return Done({"ledgers": [{name: row[name] for name in kept}
                             for row in conn.execute(asked).mappings()]})  # fmt: skip


def _entries(conn: Connection, _org: Row[Any], told: LedgerPage, _moment: Moment) -> Done:
    asked = (
        select(entries.c.seq, entries.c.body)
        .where(entries.c.inc == told.inc, entries.c.seq > told.after_seq)
        .order_by(entries.c.seq)
        .limit(told.limit)
    )
    return Done({"inc": told.inc, "entries": [row.body for row in conn.execute(asked)]})


ACTS = (
    Act("org.show", Role.VIEWER, Nothing, _show, "Caps, people and devices at a glance"),
    Act("audit", Role.LEAD, Page, _audit, "What people decided, as a hash chain", looks=True),
    Act("ledgers", Role.LEAD, Nothing, _ledgers, "Every ledger and its end", looks=True),
    Act(
        "entries",
        Role.LEAD,
        LedgerPage,
        _entries,
        "A ledger's entries as signed",
        looks=True,
    ),
)
