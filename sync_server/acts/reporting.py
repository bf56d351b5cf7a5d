"""Reports: who or what spent how much, from the sums that are kept hour by hour.

The hours in which a report begins or ends are counted from their entries: exact to the microsecond.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, Select, case, func, select

from agentspend.core.money import MAX_NUSD
from agentspend.wire.entry_reader import read_entry
from sync_server import unheard, visibility
from sync_server.acts.act import Act, Done, Moment, NotAllowed
from sync_server.roles import Role
from sync_server.store.spending import COUNTED_KINDS, HOUR_US, kept
from sync_server.store.tables import (
    devices,
    entries,
    incarnations,
    members,
    memberships,
    spending,
)
from sync_server.visibility import Visibility

Us = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUSD)]
By = Literal["team", "member", "device", "project", "branch", "agent", "provider", "model", "day"]
PERSONAL = frozenset({"member", "device"})
DAY_US = 24 * HOUR_US
LAST_HOUR = 2**62
MOST_LINES = 1_000
_OWNERS: dict[str, Any] = {
    "team": members.c.team, "member": devices.c.member, "device": devices.c.id
}  # fmt: skip
"""Who a ledger's device belongs to. Its home team pays for what names no other of its teams."""


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """Spending since a moment, until another (0: now), of one team or all ("")."""

    by: By = "team"
    since_us: Us = 0
    until_us: Us = 0
    team: Annotated[str, msgspec.Meta(max_length=80)] = ""


class Sum(NamedTuple):
    """What one line gets: its name, "billed" or "subscription", and how much."""

    named: str
    counted: str
    amount_nusd: int
    requests: int


def _report(conn: Connection, org: Row[Any], told: Report, moment: Moment) -> Done:
    """Charges and corrections; days are UTC days. Who a device belongs to is our word, not its;
    which of its member's teams paid is what its ledger says, else their home team."""
    seen = visibility.of(json.loads(org.rules))
    hidden = moment.caller.role is Role.VIEWER and told.by in PERSONAL
    if hidden and seen is Visibility.AGGREGATE:
        raise NotAllowed("a viewer sees sums, not persons", "report by team, project or model")
    found: dict[Any, dict[str, Any]] = {}
    whose = []
    if moment.caller.role is Role.MEMBER:
        whose.append(devices.c.member == moment.caller.member)
    for key, counted, amount_nusd, count in _sums(conn, told, whose):
        line = found.setdefault(
            key, {told.by: str(key), "requests": 0, "billed_nusd": 0, "subscription_nusd": 0}
        )
        name = "subscription_nusd" if counted == "subscription" else "billed_nusd"
        line[name] += amount_nusd
        line["requests"] += count
    most = sorted(found.values(), key=lambda line: (-line["billed_nusd"], str(line[told.by])))
    if hidden and seen is Visibility.PSEUDONYMOUS:
        for rank, line in enumerate(most, 1):
            line[told.by] = visibility.numbered(rank, told.by)
    if told.by == "day":
        most.sort(key=lambda line: str(line["day"]))
    of_team = [unheard.of_team(told.team)] if told.team else []
    silent = unheard.unheard(conn, org, told.until_us, moment.now_us, *whose, *of_team)
    left_out = len(most[MOST_LINES:])
    answer = {"by": told.by, "lines": most[:MOST_LINES], "left_out": left_out, "silent": silent}
    return Done(answer)


def _sums(conn: Connection, told: Report, whose: Sequence[Any]) -> Iterator[Sum]:
    """The whole hours, and the hours at both ends that are not whole."""
    first, last = -(-told.since_us // HOUR_US), told.until_us // HOUR_US
    if not told.until_us:
        last = LAST_HOUR
    if first > last:
        yield from _within(conn, told, last, whose)
        return
    yield from _hours(conn, told, (first, last), whose)
    if told.since_us % HOUR_US:
        yield from _within(conn, told, first - 1, whose)
    if told.until_us % HOUR_US:
        yield from _within(conn, told, last, whose)


def _hours(
    conn: Connection, told: Report, hours: tuple[int, int], whose: Sequence[Any]
) -> Iterator[Sum]:
    """The kept sums of whole hours; ledger by ledger first, or a database may choose to read all
    hours once for every ledger."""
    by = told.by
    own: Any = spending.c.hour // 24 if by == "day" else spending.c.get(by, spending.c.inc)
    ledgers = (
        select(
            spending.c.inc,
            own.label("own"),
            spending.c.team.label("paid"),
            spending.c.counted,
            func.sum(spending.c.amount_nusd).label("amount_nusd"),
            func.sum(spending.c.requests).label("requests"),
        )
        .where(spending.c.hour >= hours[0], spending.c.hour < hours[1])
        .group_by(spending.c.inc, own, spending.c.team, spending.c.counted)
        .subquery()
    )
    team = case((ledgers.c.paid == "", members.c.team), else_=ledgers.c.paid)
    key = {**_OWNERS, "team": team}.get(by, ledgers.c.own)
    if told.team:
        whose = [*whose, team == told.team]
    sums = func.sum(ledgers.c.amount_nusd), func.sum(ledgers.c.requests)
    asked = select(key, ledgers.c.counted, *sums).select_from(ledgers).where(*whose)
    asked = _with_owners(asked, ledgers).group_by(key, ledgers.c.counted)
    for found, counted, amount_nusd, requests in conn.execute(asked):
        named = _day(found * DAY_US) if by == "day" else found
        yield Sum(named, counted, int(amount_nusd), int(requests))


def _within(conn: Connection, told: Report, hour: int, whose: Sequence[Any]) -> Iterator[Sum]:
    """A part of one hour, from its entries."""
    where = (
        select(
            spending.c.inc,
            func.min(spending.c.first_seq).label("first_seq"),
            func.max(spending.c.last_seq).label("last_seq"),
        )
        .where(spending.c.hour == hour)
        .group_by(spending.c.inc)
        .subquery()
    )
    asked = (
        select(entries.c.body, *_OWNERS.values())
        .select_from(entries)
        .join(where, where.c.inc == entries.c.inc)
        .where(entries.c.seq.between(where.c.first_seq, where.c.last_seq), *whose)
    )
    begins_us = max(told.since_us, hour * HOUR_US)
    ends_us = min(told.until_us or MAX_NUSD, (hour + 1) * HOUR_US)
    known = _known_teams(conn)
    for body, *owners in conn.execute(_with_owners(asked, entries)):
        entry = read_entry(body.encode())
        if entry.kind in COUNTED_KINDS and begins_us <= entry.ts < ends_us:
            owner = dict(zip(_OWNERS, owners, strict=True))
            if (owner["member"], entry.team) in known:
                owner["team"] = entry.team
            if told.team not in ("", owner["team"]):
                continue
            named = owner.get(told.by)
            if named is None:
                named = _day(entry.ts) if told.by == "day" else kept(getattr(entry, told.by))
            yield Sum(named, entry.counted, entry.charged_nusd, 1)


def _known_teams(conn: Connection) -> set[tuple[str, str]]:
    """Every member with every team they are or were in."""
    asked = select(memberships.c.member, memberships.c.team)
    return {(member, team) for member, team in conn.execute(asked)}


def _with_owners(asked: Select[Any], source: Any) -> Select[Any]:
    return (
        asked.join(incarnations, incarnations.c.inc == source.c.inc)
        .join(devices, devices.c.id == incarnations.c.device)
        .join(members, members.c.id == devices.c.member)
    )


def _day(ts_us: int) -> str:
    return datetime.fromtimestamp(ts_us // 1_000_000, UTC).date().isoformat()


ACTS = (Act("report", Role.VIEWER, Report, _report, "Who or what spent how much", looks=True),)
