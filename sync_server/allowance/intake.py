"""R7: merge an upload into a device's chain. Gap, repetition, fork or progress; nothing else.

Pure: the stored chain is handed in as its end and a way to look up hashes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from agentspend.core.allowance.effects import Effect, Sums
from agentspend.core.allowance.messages import Link
from agentspend.wire.canonical import NotCanonical, parse
from agentspend.wire.chain import ChainCheck
from agentspend.wire.entries import entry_hash
from agentspend.wire.entry_reader import Read


class Found(StrEnum):
    """What an upload turned out to be."""

    PROGRESS = "progress"
    GAP = "gap"
    FORK = "fork"


@dataclass(frozen=True, slots=True)
class Kept:
    """The chain of one incarnation as the server has it."""

    inc: str
    end: Link
    hash_at: Callable[[int], str]


class Accepted(NamedTuple):
    """One new entry: its body, what we look at of it, and its hash."""

    body: str
    said: Read
    hash: str


@dataclass(frozen=True, slots=True)
class Merge:
    """What to store, and what it does to accounts. `up_to_date`: with it the server has the
    device's whole chain.

    After a fork `entries` are the other branch: evidence, and spending that must be counted.
    `moved_nusd` is all that the new entries charge, correct and return together.
    """

    found: Found
    end: Link
    entries: tuple[Accepted, ...] = ()
    effects: tuple[Effect, ...] = ()
    up_to_date: bool = False
    moved_nusd: int = 0


def merge(kept: Kept, after_seq: int, entries: Sequence[str], claimed: Link) -> Merge:
    """Merge the bodies that follow `after_seq`; `claimed` is the end of the device's chain.

    Raises `NotCanonical` for bodies no device of ours would write.
    """
    length = kept.end.seq
    if after_seq < 0 or claimed.seq < 0:
        raise NotCanonical("a ledger has no entry before its first")
    if after_seq > length:
        return Merge(Found.GAP, kept.end)
    known = min(len(entries), length - after_seq)
    for place in range(known):
        if entry_hash(entries[place].encode()) != kept.hash_at(after_seq + 1 + place):
            before = after_seq + place
            return _fork(kept, Link(before, kept.hash_at(before)), entries[place:])
    if claimed.seq <= length and claimed.hash != kept.hash_at(claimed.seq):
        return Merge(Found.FORK, kept.end)
    fresh = entries[known:]
    if not fresh:
        return Merge(Found.PROGRESS, kept.end, up_to_date=claimed == kept.end)
    elsewhere = _links_elsewhere(kept, fresh[0])
    if elsewhere is not None:
        return _fork(kept, Link(length, elsewhere), fresh)
    end, accepted, done = _read(kept.inc, kept.end, fresh)
    up_to_date, moved_nusd = claimed == end, _moved_nusd(accepted, done)
    return Merge(Found.PROGRESS, end, accepted, done, up_to_date, moved_nusd)


def _moved_nusd(accepted: Sequence[Accepted], done: Sequence[Effect]) -> int:
    charged_nusd = sum([abs(entry.said.amount_nusd or 0) for entry in accepted])
    return charged_nusd + sum(effect.returned_nusd for effect in done)


def _links_elsewhere(kept: Kept, body: str) -> str | None:
    """The predecessor the next entry names, where that is another than the one we have."""
    entry = parse(body.encode())
    prev = entry.get("prev") if isinstance(entry, dict) else None
    return prev if isinstance(prev, str) and prev != kept.end.hash else None


def _fork(kept: Kept, parting: Link, branch: Sequence[str]) -> Merge:
    """Two ledgers of one name. The branch is read from where it parts, or from where we first
    hear of it."""
    _, accepted, done = _read(kept.inc, parting, branch)
    return Merge(Found.FORK, kept.end, accepted, done, moved_nusd=_moved_nusd(accepted, done))


def _read(
    inc: str, after: Link, bodies: Sequence[str]
) -> tuple[Link, tuple[Accepted, ...], tuple[Effect, ...]]:
    """Check entries that continue a chain, and work out where they end and what they do."""
    chain = ChainCheck(inc=inc, after_seq=after.seq, after_hash=after.hash, adds_up=False)
    said, hashes = chain.feed([body.encode() for body in bodies])
    sums = Sums()
    for entry in said:
        try:
            sums.add(entry.kind, entry.amount_nusd or 0, entry.rights or ())
        except ValueError as error:
            raise NotCanonical(f"entry {entry.seq}: {error}") from error
    verdict = chain.verdict()
    if not verdict.ok:
        raise NotCanonical(f"entry {verdict.first_bad_seq}: {verdict.why}")
    accepted = tuple(map(Accepted, bodies, said, hashes))
    return Link(verdict.seq, verdict.head), accepted, tuple(sums.effects())
