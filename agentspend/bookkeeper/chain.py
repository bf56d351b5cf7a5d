"""The end of the hash chain: the only place that appends ledger entries."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from agentspend.core.scopes import Payer
from agentspend.store import entries, spending
from agentspend.wire.entries import Entry, encode, entry_hash

_WHO = ("member", "device", "team", "agent", "session", "subagent", "project", "branch", "key")


class Chain:
    """Appends entries, each linked to the one before. `inc` is this ledger's incarnation."""

    def __init__(self, conn: sqlite3.Connection, inc: str) -> None:
        self._conn = conn
        self.inc = inc
        self._end: tuple[int, str] | None = entries.head(conn)

    @property
    def seq(self) -> int:
        """The number of the last entry, 0 when there is none."""
        return self._known_end()[0]

    @property
    def head(self) -> str:
        """The hash of the last entry."""
        return self._known_end()[1]

    def forget(self) -> None:
        """A transaction was rolled back: the end is read again when it is next needed."""
        self._end = None

    def _known_end(self) -> tuple[int, str]:
        if self._end is None:
            self._end = entries.head(self._conn)
        return self._end

    def append(
        self,
        kind: str,
        ts_us: int,
        fields: Mapping[str, object],
        *,
        payer: Payer | None = None,
        window_us: int = 0,
    ) -> int:
        """Append one entry and return its sequence number.

        `fields` are the entry's own words (`amount_nusd`, `model`, `usage` …); `window_us` is the
        moment whose windows an amount counts in.
        """
        payer = payer or Payer()
        seq = self.seq + 1
        words: dict[str, Any] = {**payer_fields(payer), **fields}
        entry = Entry(inc=self.inc, seq=seq, prev=self.head, kind=kind, ts=ts_us, **words)
        body = encode(entry)
        digest = entry_hash(body)
        row = entries.Row(
            seq=seq,
            hash=digest,
            body=body,
            kind=kind,
            ts_us=ts_us,
            window_us=window_us or ts_us,
            amount_nusd=entry.amount_nusd or 0,
            counted=entry.counted or "",
            rid=entry.rid or "",
            payer=payer,
        )
        if kind in spending.KINDS:
            spending.add(self._conn, row, entry.evidence or "", entry.usage)
        entries.append(self._conn, row)
        self._end = (seq, digest)
        return seq


def entry_payer(entry: Entry) -> Payer:
    """Who an entry was charged to; the model is the one that was asked for, as in budgets."""
    return Payer(
        **{name: getattr(entry, name) or "" for name in _WHO},
        provider=entry.provider or "",
        model=entry.requested_model or entry.model or "",
        tags=tuple(entry.tags or ()),
    )


def payer_fields(payer: Payer) -> dict[str, object]:
    """The payer as entry fields; provider and model are in the entry's own fields."""
    known = payer.known()
    return {name: known[name] for name in (*_WHO, "tags") if name in known}
