"""Is this ledger whole? One pass over its bytes: spelling, links, numbers, and what it adds up to.

Knows nothing of databases: it is handed bodies in order and remembers only the last hash, so a
ledger of any length is checked in constant memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from agentspend.wire.canonical import NotCanonical
from agentspend.wire.entries import entry_hash
from agentspend.wire.entry_reader import Read, read_entry

AMOUNT_KINDS = frozenset({"settle", "adjust"})


@dataclass(slots=True)
class Totals:
    """What a run of entries adds up to; amounts in nano-USD, adjusts included.

    `billed_nusd` are real dollars, `subscription_nusd` list prices of subscription use.
    """

    billed_nusd: int = 0
    subscription_nusd: int = 0
    overrun_nusd: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    def add(self, entry: Read) -> None:
        """Fold in one entry."""
        kind = entry.kind
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if kind not in AMOUNT_KINDS:
            return
        if entry.counted == "subscription":
            self.subscription_nusd += entry.charged_nusd
        else:
            self.billed_nusd += entry.charged_nusd
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
    """Feed bodies one by one, in order; `after_seq` and `after_hash` continue a checked part.

    `last` is the last good entry.
    """

    def __init__(self, *, inc: str = "", after_seq: int = 0, after_hash: str = "") -> None:
        self._inc = inc
        self._seq = after_seq
        self._head = after_hash
        self._entries = 0
        self._why = ""
        self._totals = Totals()
        self.last: Read | None = None

    def feed(self, body: bytes) -> bool:
        """Take the next entry; False once something is wrong (and from then on)."""
        if self._why:
            return False
        try:
            self._take(read_entry(body))
        except NotCanonical as error:
            self._why = str(error)
            return False
        self._seq += 1
        self._entries += 1
        self._head = entry_hash(body)
        return True

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
        """Check one entry against the chain so far and fold it in, or raise `NotCanonical`."""
        if entry.seq != self._seq + 1:
            raise NotCanonical(f"numbered {entry.seq}, expected {self._seq + 1}")
        if entry.prev != self._head:
            raise NotCanonical("does not link to the entry before it")
        if (entry.kind == "genesis") != (self._seq == 0):
            raise NotCanonical("a ledger begins with its one genesis entry")
        if self._seq == 0 and not self._inc:
            self._inc = entry.inc
        if self._inc and entry.inc != self._inc:
            raise NotCanonical(f"belongs to ledger {entry.inc!r}, not {self._inc!r}")
        for amount_nusd in (entry.amount_nusd, entry.overrun_nusd):
            if amount_nusd is not None and amount_nusd < 0 and entry.kind == "settle":
                raise NotCanonical(f"an amount cannot be {amount_nusd} in a settle")
        self._totals.add(entry)
        self.last = entry


def verify_chain(
    bodies: Iterable[bytes], *, inc: str = "", after_seq: int = 0, after_hash: str = ""
) -> Verdict:
    """Check a chain of entries; stops at the first bad one.

    The caller compares `head` with what it stored or signed: a chain cut short is sound in
    itself.
    """
    chain = ChainCheck(inc=inc, after_seq=after_seq, after_hash=after_hash)
    for body in bodies:
        if not chain.feed(body):
            break
    return chain.verdict()
