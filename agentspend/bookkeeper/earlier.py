"""The ledgers a device has left behind in its team, and what is told of them once more.

A server that is put back to a copy of its database has its decisions from its journal, and what was
told to it from those who told it. Of its present ledger a device is asked for that; of earlier ones
nobody asks, but for what their server once had it is the only other place. Nothing else of them is
told: what a ledger in doubt holds beyond that may be another's.
"""

import sqlite3

import msgspec

from agentspend.bookkeeper.membership import Membership
from agentspend.core.allowance.messages import Answer, Link, Status, Sync
from agentspend.core.allowance.standing import Standing
from agentspend.store import team

EARLIER = "earlier"
"""Under which word of the team's they stand."""
MOST_AT_ONCE, MOST_BYTES = 200, 200_000
"""Of one report. Quotes are escaped twice on the way, so that this much may be four times as long
there: the server takes a megabyte."""


class Earlier(msgspec.Struct):
    """A ledger whose first `acked_seq` reports its server has had. `after_seq`: what follows this
    one is to be told again, None for nothing."""

    inc: str
    acked_seq: int
    after_seq: int | None = None


def _all(conn: sqlite3.Connection) -> list[Earlier]:
    return msgspec.json.decode(team.read(conn, EARLIER) or b"[]", type=list[Earlier])


def _keep(conn: sqlite3.Connection, ledgers: list[Earlier]) -> None:
    team.write(conn, EARLIER, msgspec.json.encode(ledgers))


def reported(
    conn: sqlite3.Connection, inc: str, after_seq: int, most: int = MOST_AT_ONCE
) -> list[bytes]:
    """What goes into one report of a ledger."""
    return team.after(conn, inc, after_seq, min(most, MOST_AT_ONCE), MOST_BYTES)


def left_behind(conn: sqlite3.Connection, before: Standing, after: Standing) -> None:
    """The device goes on with another ledger."""
    if before.acked_seq:
        _keep(conn, [*_all(conn), Earlier(before.inc, before.acked_seq)])
    taken_over(conn, before.server_inc, after.server_inc)


def taken_over(conn: sqlite3.Connection, before_inc: int, server_inc: int) -> None:
    """This server is heard from. A later one than before may have forgotten what it was told."""
    if 0 < before_inc < server_inc:
        _keep(conn, [Earlier(each.inc, each.acked_seq, each.acked_seq) for each in _all(conn)])


def retelling(
    conn: sqlite3.Connection, own: Membership, standing: Standing, policy: int, nonce: str
) -> Sync | None:
    """What is to be told again, in one report; None for nothing."""
    found = next((each for each in _all(conn) if each.after_seq is not None), None)
    if found is None:
        return None
    after_seq = found.after_seq or 0
    bodies = reported(conn, found.inc, after_seq, found.acked_seq - after_seq)
    return Sync(
        team=own.team,
        device=own.device,
        inc=found.inc,
        nonce=nonce,
        server_inc=standing.server_inc,
        server_seq=standing.server_seq,
        after_seq=after_seq,
        end=Link(found.acked_seq, team.hash_at(conn, found.inc, found.acked_seq)),
        entries=tuple(body.decode() for body in bodies),
        policy=policy,
        wants=(),
    )


def retold(conn: sqlite3.Connection, report: Sync, answer: Answer | None) -> None:
    """How far the server is now; None where it does not take this report. What brings it no
    further is not told without end."""
    ledgers = _all(conn)
    for each in ledgers:
        if each.inc == report.inc:
            each.after_seq = _next(each, report, answer)
    _keep(conn, ledgers)


def _next(told: Earlier, report: Sync, answer: Answer | None) -> int | None:
    if answer is None or answer.status in (Status.UNKNOWN, Status.FORKED):
        return None
    seq = answer.acked.seq
    helped = seq > report.after_seq if report.entries else answer.resend
    return seq if helped and seq < told.acked_seq else None
