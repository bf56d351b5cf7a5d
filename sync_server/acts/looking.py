"""Looking: who spent what, what people decided, and the entries themselves."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import BigInteger, Connection, Row, cast, func, select

from agentspend.core.money import MAX_NUSD
from sync_server.acts.act import Act, Done, Moment, NotAllowed, Nothing, Role
from sync_server.acts.caps import line_of
from sync_server.store.tables import audit, devices, entries, incarnations, members, pools

Us = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUSD)]
By = Literal["team", "member", "device", "project", "branch", "agent", "provider", "model", "day"]
PERSONAL = frozenset({"member", "device"})
DAY_US = 86_400_000_000
MOST_LINES = 1_000
MOST_ENTRIES = 500


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """Spending since a moment, until another (0: now), of one team or all ("")."""

    by: By = "team"
    since_us: Us = 0
    until_us: Us = 0
    team: Annotated[str, msgspec.Meta(max_length=80)] = ""


class Page(msgspec.Struct, forbid_unknown_fields=True):
    """What follows a number, at most so much."""

    after_seq: Us = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_LINES)] = 100


class LedgerPage(msgspec.Struct, forbid_unknown_fields=True):
    """A ledger's entries that follow a number."""

    inc: Annotated[str, msgspec.Meta(max_length=80)]
    after_seq: Us = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ENTRIES)] = MOST_ENTRIES


def _report(conn: Connection, _org: Row[Any], told: Report, moment: Moment) -> Done:
    """Charges and corrections; days are UTC days. Who a device belongs to is our word, not its."""
    by: Any = {
        "team": members.c.team, "member": devices.c.member, "device": devices.c.id,
        "project": entries.c.project, "branch": entries.c.branch, "agent": entries.c.agent,
        "provider": entries.c.provider, "model": entries.c.model,
        "day": cast(entries.c.ts_us / DAY_US, BigInteger),
    }[told.by]  # fmt: skip
    if told.by == "day":
        by = entries.c.ts_us - entries.c.ts_us % DAY_US
    asked = (
        select(by, entries.c.counted, func.sum(entries.c.amount_nusd), func.count())
        .join(incarnations, incarnations.c.inc == entries.c.inc)
        .join(devices, devices.c.id == incarnations.c.device)
        .join(members, members.c.id == devices.c.member)
        .where(entries.c.kind.in_(["settle", "adjust"]), entries.c.ts_us >= told.since_us)
        .group_by(by, entries.c.counted)
    )
    if told.until_us:
        asked = asked.where(entries.c.ts_us < told.until_us)
    if told.team:
        asked = asked.where(members.c.team == told.team)
    if moment.caller.role is Role.MEMBER:
        asked = asked.where(devices.c.member == moment.caller.member)
    elif moment.caller.role is Role.VIEWER and told.by in PERSONAL:
        raise NotAllowed("a viewer sees sums, not persons", "report by team, project or model")
    found: dict[Any, dict[str, Any]] = {}
    for key, counted, amount_nusd, count in conn.execute(asked):
        line = found.setdefault(
            key, {told.by: _shown(told.by, key), "requests": 0, "billed_nusd": 0,
                  "subscription_nusd": 0})  # fmt: skip
        name = "subscription_nusd" if counted == "subscription" else "billed_nusd"
        line[name] += int(amount_nusd or 0)
        line["requests"] += int(count)
    most = sorted(found.values(), key=lambda line: (-line["billed_nusd"], str(line[told.by])))
    if told.by == "day":
        most.sort(key=lambda line: str(line["day"]))
    return Done({"by": told.by, "lines": most[:MOST_LINES], "left_out": len(most[MOST_LINES:])})


def _shown(by: str, key: Any) -> str:
    if by != "day":
        return str(key)
    return datetime.fromtimestamp(int(key) // 1_000_000, UTC).date().isoformat()


def _audit(conn: Connection, org: Row[Any], told: Page, _moment: Moment) -> Done:
    asked = (
        select(audit.c.seq, audit.c.hash, audit.c.body)
        .where(audit.c.org == org.id, audit.c.seq > told.after_seq)
        .order_by(audit.c.seq)
        .limit(told.limit)
    )
    lines = [{**json.loads(row.body), "hash": row.hash} for row in conn.execute(asked)]
    return Done({"acts": lines, "end": {"seq": org.audit_seq, "hash": org.audit_hash}})


def _show(conn: Connection, org: Row[Any], _told: Nothing, _moment: Moment) -> Done:
    caps = select(pools).where(pools.c.active.is_(True)).order_by(pools.c.id)
    answer = {
        "org": org.name,
        "zone": org.zone,
        "policy": org.policy,
        "frozen": bool(org.frozen),
        "caps": [line_of(row) for row in conn.execute(caps)],
        "members": conn.execute(_count(members)).scalar_one(),
        "devices": conn.execute(_count(devices)).scalar_one(),
    }
    return Done(answer)


def _count(table: Any) -> Any:
    return select(func.count()).select_from(table).where(table.c.active.is_(True))


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
    Act("report", Role.VIEWER, Report, _report, "Who or what spent how much", looks=True),
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
