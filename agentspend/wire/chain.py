"""Is this ledger whole? One pass over its bytes: spelling, links, numbers, and what it adds up to.

Knows nothing of databases: it is handed bodies in order and remembers only the last hash, so a
ledger of any length is checked in constant memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice, repeat

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
        kinds = self.kinds
        for entry in entries:
            kind = entry.kind
            kinds[kind] = kinds.get(kind, 0) + 1
            if kind in AMOUNT_KINDS:
                amount_nusd = entry.amount_nusd or 0
                if entry.counted == "subscription":
                    self.subscription_nusd += amount_nusd
                else:
                    self.billed_nusd += amount_nusd
                self.overrun_nusd += entry.overrun_nusd or 0


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
        said: list[Read] = []
        hashes: list[str] = []
        if self._why:
            return said, hashes
        try:
            rows = zip(bodies, read_entries(bodies), stored or repeat(""), strict=False)
            for body, entry, kept in rows:
                digest = entry_hash(body)
                if kept and kept != digest:
                    raise NotCanonical("its stored hash is not the hash of its bytes")
                self._take(entry)
                self._seq += 1
                self._head = digest
                said.append(entry)
                hashes.append(digest)
        except NotCanonical as error:
            self._why = str(error)
        self._entries += len(said)
        if self._adds_up:
            self._totals.add(said)
        return said, hashes

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
        least_nusd = min(entry.amount_nusd or 0, entry.overrun_nusd or 0)
        if least_nusd < 0 and entry.kind == "settle":
            raise NotCanonical(f"an amount cannot be {least_nusd} in a settle")


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
