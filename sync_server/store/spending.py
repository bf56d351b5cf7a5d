"""What reports ask for, added up as entries arrive: a row for each ledger, hour and set of words.

A million entries are some ten thousand such rows. Where a report begins or ends within an hour,
that hour's entries themselves are read; `first_seq` and `last_seq` say which those are.
"""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, func, select, text

from sync_server.allowance.intake import Accepted
from sync_server.store.quick import Quick
from sync_server.store.tables import spending

HOUR_US = 3_600_000_000
WORDS = ("counted", "project", "branch", "agent", "provider", "model", "team")
_words = attrgetter(*WORDS)
COUNTED_KINDS = ("settle", "adjust")
_ADD = Quick(
    text(
        "INSERT INTO spending (hour, inc, words_sha256, counted, project, branch, agent, provider,"
        " model, team, amount_nusd, requests, first_seq, last_seq) VALUES (:hour, :inc,"
        " :words_sha256, :counted, :project, :branch, :agent, :provider, :model, :team,"
        " :amount_nusd, :requests,"
        " :first_seq, :last_seq) ON CONFLICT (hour, inc, words_sha256) DO UPDATE SET"
        " amount_nusd = spending.amount_nusd + excluded.amount_nusd,"
        " requests = spending.requests + excluded.requests,"
        " last_seq = excluded.last_seq"
    )
)
_BY_LEDGER = select(
    spending.c.inc, func.sum(spending.c.amount_nusd), func.sum(spending.c.requests)
).group_by(spending.c.inc)


def add(
    conn: Connection, inc: str, accepted: Sequence[Accepted], teams: Collection[str] = ()
) -> None:
    """Count new entries of a ledger, in their order. `teams` are those that its member is or was
    in: an entry that names another names none."""
    rows: dict[tuple[Any, ...], list[int]] = {}
    last, sums = (), [0, 0, 0, 0]
    for _, said, _ in accepted:
        if said.kind in COUNTED_KINDS:
            words = (said.ts // HOUR_US, *_words(said))
            if words != last:
                paid = said.team if said.team in teams else ""
                last, names = words, (words[0], *map(kept, words[1:-1]), paid)
                sums = rows.setdefault(names, [0, 0, said.seq, 0])
            sums[0] += said.charged_nusd
            sums[1] += 1
            sums[3] = said.seq
    if rows:
        _ADD.run_each(conn, [_row(inc, words, sums) for words, sums in rows.items()])


def kept(word: str) -> str:
    """A word of an entry as columns and reports hold it: PostgreSQL keeps no U+0000 in a text.

    An entry's body may hold one, as the escape that it is written with there.
    """
    return word.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _row(inc: str, words: tuple[Any, ...], sums: Sequence[int]) -> dict[str, Any]:
    amount_nusd, requests, first_seq, last_seq = sums
    said = dict(zip(WORDS, words[1:], strict=True))
    return {
        "hour": words[0], "inc": inc, "words_sha256": words_sha256(said), **said,
        "amount_nusd": amount_nusd, "requests": requests,
        "first_seq": first_seq, "last_seq": last_seq,
    }  # fmt: skip


def words_sha256(said: Mapping[str, str]) -> str:
    """One short name for a row's words: an index does not take words of any length.

    Without a team it is what it was before entries had one.
    """
    words = [said[name] for name in WORDS]
    return sha256("\0".join(words if words[-1] else words[:-1]).encode()).hexdigest()[:32]


def by_ledger(conn: Connection) -> dict[str, tuple[int, int]]:
    """What is counted of each ledger: (nano-USD, requests)."""
    return {row[0]: (int(row[1]), int(row[2])) for row in conn.execute(_BY_LEDGER)}
