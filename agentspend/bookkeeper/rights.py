"""The team's accounts and chain in this ledger, as the pure rules of `core.allowance` want them.

A right is an account like a budget's whose limit is what was granted and not returned, so that a
hold takes from both in one statement and the table's CHECK guards both.
"""

import sqlite3
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import replace
from typing import NamedTuple

from agentspend.core.allowance.accounts import EMPTY, Account, Place
from agentspend.core.allowance.device import TeamHold
from agentspend.core.allowance.messages import NOTHING, Link
from agentspend.core.budgets import TEAM_PREFIX
from agentspend.store import accounts, team
from agentspend.store import holds as holds_table
from agentspend.store.accounts import Account as Row
from agentspend.store.holds import Hold
from agentspend.store.team import RightRow
from agentspend.wire.entries import Entry, encode, entry_hash


class Rights(MutableMapping[Place, Account]):
    """The accounts of one incarnation: any that is asked for, and those that are open one by one.
    What is held and used there only the books change."""

    def __init__(self, conn: sqlite3.Connection, inc: str) -> None:
        self._conn = conn
        self._inc = inc

    def __getitem__(self, place: Place) -> Account:
        right = team.right(self._conn, self._inc, place.pool, place.window)
        if right is None:
            raise KeyError(place)
        return _account(right, accounts.by_id(self._conn, right.account))

    def __setitem__(self, place: Place, account: Account) -> None:
        """Keep the counters; the limit follows from them."""
        right = team.right(self._conn, self._inc, place.pool, place.window)
        if right is None:
            right = RightRow(self._open(place), self._inc, *place, 0, 0, closed=False)
        team.put_right(
            self._conn,
            replace(
                right,
                granted_nusd=account.granted_nusd,
                returned_nusd=account.returned_nusd,
                closed=account.closed,
            ),
        )
        limit_nusd = max(0, account.granted_nusd - account.returned_nusd)
        if account.closed:
            limit_nusd = account.used_nusd
        accounts.set_limit(self._conn, right.account, limit_nusd, "hard")

    def __delitem__(self, place: Place) -> None:
        raise TypeError("an account is closed, never taken away")

    def __iter__(self) -> Iterator[Place]:
        return iter([Place(*each) for each in team.open_rights(self._conn, self._inc)])

    def __len__(self) -> int:
        return len(team.open_rights(self._conn, self._inc))

    def row(self, place: Place) -> Row | None:
        """The account's own row."""
        right = team.right(self._conn, self._inc, place.pool, place.window)
        return accounts.by_id(self._conn, right.account) if right else None

    def attach(self, place: Place, hold: Hold) -> None:
        """Let a hold that is already in flight count here too, whether it fits or not: above the
        rights its charge is an overrun, which is told. What is closed takes nothing more."""
        account = self.setdefault(place, EMPTY)
        right = team.right(self._conn, self._inc, *place)
        if right is None or account.closed:
            return
        holds_table.attach(self._conn, hold.rid, right.account, hold.amount_nusd)
        accounts.move(self._conn, right.account, held_nusd=hold.amount_nusd)

    def _open(self, place: Place) -> int:
        opened = accounts.create(
            self._conn,
            Row(
                id=0,
                budget=f"{TEAM_PREFIX}{place.pool}",
                generation=0,
                window_key=f"{self._inc}:{place.window}",
                starts_us=0,
                ends_us=None,
                mode="hard",
                limit_nusd=0,
                spent_nusd=0,
                held_nusd=0,
                over_nusd=0,
            ),
        )
        return opened.id


def _account(right: RightRow, row: Row) -> Account:
    return Account(
        granted_nusd=right.granted_nusd,
        returned_nusd=right.returned_nusd,
        used_nusd=row.spent_nusd,
        closed=right.closed,
        held_nusd=row.held_nusd,
    )


def holds(conn: sqlite3.Connection, inc: str) -> Mapping[str, TeamHold]:
    """The requests in flight with rights of an incarnation; the rules only ask whether any is."""
    return {rid: TeamHold(0, ()) for rid in team.open_holds(conn, inc)}


class Mark(NamedTuple):
    """An entry that a ledger is known to have had: which chain, its number, its hash."""

    inc: str
    seq: int
    hash: str


class TeamChain:
    """What the team is told: a hash chain of its own for each incarnation."""

    def __init__(self, conn: sqlite3.Connection, inc: str) -> None:
        self._conn = conn
        self._inc = inc

    @property
    def end(self) -> Link:
        """Its last entry."""
        seq, digest = team.end(self._conn, self._inc)
        return Link(seq, digest) if seq else NOTHING

    def hash_at(self, seq: int) -> str:
        """The hash of an entry; "" for 0."""
        return team.hash_at(self._conn, self._inc, seq)

    def append(self, kind: str, ts_us: int, words: Mapping[str, object]) -> None:
        """Write one more entry, linked to the one before."""
        end = self.end
        fields = {"seq": end.seq + 1, "prev": end.hash, "kind": kind, "ts": ts_us, **words}
        entry = Entry(inc=self._inc, **fields)  # type: ignore[arg-type]
        body = encode(entry)
        team.append(self._conn, self._inc, entry.seq, entry_hash(body), body)
