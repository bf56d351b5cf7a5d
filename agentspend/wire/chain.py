"""Is this ledger whole? One pass over its bytes: spelling, links, numbers, and what it adds up to.

Knows nothing of databases: it is handed bodies in order and remembers only the last hash, so a
ledger of any length is checked in constant memory.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from agentspend.wire.canonical import NotCanonical
from agentspend.wire.entries import entry_hash
from agentspend.wire.entry_reader import Read, read_entries

AMOUNT_KINDS = frozenset({"settle", "adjust"})
BATCH = 500
"""How many entries are read at once."""


@dataclass(slots=True)
class Totals:
    """What a run of entries adds up to; amounts in nano-USD, adjusts included.

    `billed_nusd` are real dollars, `subscription_nusd` list prices of subscription use.
    """

    billed_nusd: int = 0
    subscription_nusd: int = 0
    overrun_nusd: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    def add(self, entries: Sequence[Read]) -> None:
        """Fold in entries."""
        for kind, count in Counter([entry.kind for entry in entries]).items():
            self.kinds[kind] = self.kinds.get(kind, 0) + count
        charges = [entry for entry in entries if entry.kind in AMOUNT_KINDS]
        lists = [entry.amount_nusd or 0 for entry in charges if entry.counted == "subscription"]
        self.subscription_nusd += sum(lists)
        self.billed_nusd += sum([entry.amount_nusd or 0 for entry in charges]) - sum(lists)
        self.overrun_nusd += sum([entry.overrun_nusd or 0 for entry in charges])


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a chain is sound. `head` and `seq` name its last good entry ("" and 0: none).

    When not `ok`, `first_bad_seq` is where the next entry should have stood and `why` says what
    is wrong with it; `totals` covers the good part only.
    """

    ok: bool
    entries: int
    seq: int
    head: str
    first_bad_seq: int | None
    why: str
    totals: Totals


class ChainCheck:
    """Feed bodies in order, in parts of any length; `after_seq` and `after_hash` continue a
    checked part. Without `adds_up` the totals are left at nothing."""

    def __init__(
        self, *, inc: str = "", after_seq: int = 0, after_hash: str = "", adds_up: bool = True
    ) -> None:
        self._inc = inc
        self._seq = after_seq
        self._head = after_hash
        self._entries = 0
        self._why = ""
        self._totals = Totals()
        self._adds_up = adds_up

    def feed(
        self, bodies: Sequence[bytes], stored: Iterable[str] | None = None
    ) -> tuple[list[Read], list[str]]:
        """Take the next entries, as far as they are good: what they say, and their hashes.

        `stored` are the hashes that were kept beside them. Nothing is taken once something is
        wrong.
        """
        if self._why or not bodies:
            return [], []
        hashes = [entry_hash(body) for body in bodies]
        kept = hashes if stored is None else list(stored)
        found = read_entries(bodies)
        if isinstance(found, list) and kept == hashes and self._all_follow(found, hashes):
            said = found
            self._inc = self._inc or (found[0].inc if self._seq == 0 else "")
            self._seq, self._head = self._seq + len(found), hashes[-1]
        else:
            said = list(self._one_by_one(found, hashes, kept))
        self._entries += len(said)
        if self._adds_up:
            self._totals.add(said)
        return said, hashes[: len(said)]

    @property
    def end(self) -> tuple[int, str]:
        """Number and hash of the last good entry."""
        return self._seq, self._head

    def verdict(self) -> Verdict:
        """What is known so far."""
        return Verdict(
            ok=not self._why,
            entries=self._entries,
            seq=self._seq,
            head=self._head,
            first_bad_seq=self._seq + 1 if self._why else None,
            why=self._why,
            totals=self._totals,
        )

    def _all_follow(self, found: Sequence[Read], hashes: Sequence[str]) -> bool:
        """Whether `_take` would pass every one: asked of all at once, for a third of the time."""
        first = self._seq + 1
        inc = self._inc or (found[0].inc if first == 1 else "")
        kinds = [entry.kind for entry in found]
        return (
            [entry.seq for entry in found] == list(range(first, first + len(found)))
            and [entry.prev for entry in found] == [self._head, *hashes[:-1]]
            and (kinds[0] == "genesis") == (first == 1)
            and "genesis" not in kinds[1:]
            and (not inc or {entry.inc for entry in found} == {inc})
            and min([_least_nusd(entry) for entry in found if entry.kind == "settle"], default=0)
            >= 0
        )

    def _one_by_one(
        self, found: Iterable[Read], hashes: Sequence[str], kept: Sequence[str]
    ) -> Iterator[Read]:
        """As many entries as are good; `_why` then says what is wrong with the next."""
        try:
            for entry, digest, known in zip(found, hashes, kept, strict=False):
                if known and known != digest:
                    raise NotCanonical("its stored hash is not the hash of its bytes")
                self._take(entry)
                self._seq, self._head = self._seq + 1, digest
                yield entry
        except NotCanonical as error:
            self._why = str(error)

    def _take(self, entry: Read) -> None:
        """Check one entry against the chain so far, or raise `NotCanonical`."""
        if entry.seq != self._seq + 1:
            raise NotCanonical(f"numbered {entry.seq}, expected {self._seq + 1}")
        if entry.prev != self._head:
            raise NotCanonical("does not link to the entry before it: one of the two was changed")
        if (entry.kind == "genesis") != (self._seq == 0):
            raise NotCanonical("a ledger begins with its one genesis entry")
        if self._seq == 0 and not self._inc:
            self._inc = entry.inc
        if self._inc and entry.inc != self._inc:
            raise NotCanonical(f"belongs to ledger {entry.inc!r}, not {self._inc!r}")
        if entry.kind == "settle" and (least_nusd := _least_nusd(entry)) < 0:
            raise NotCanonical(f"an amount cannot be {least_nusd} in a settle")


def _least_nusd(entry: Read) -> int:
    return min(entry.amount_nusd or 0, entry.overrun_nusd or 0)


def verify_chain(
    bodies: Iterable[bytes], *, inc: str = "", after_seq: int = 0, after_hash: str = ""
) -> Verdict:
    """Check a chain of entries; stops at the first bad one.

    The caller compares `head` with what it stored or signed: a chain cut short is sound in
    itself.
    """
    chain = ChainCheck(inc=inc, after_seq=after_seq, after_hash=after_hash)
    left = iter(bodies)
    while part := list(islice(left, BATCH)):
        if len(chain.feed(part)[0]) < len(part):
            break
    return chain.verdict()
