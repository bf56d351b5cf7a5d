"""Is this ledger whole? One pass over its bytes: spelling, links, numbers, and what it adds up to.

Knows nothing of databases: it is handed bodies in order and remembers only the last hash, so a
ledger of any length is checked in constant memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from agentspend.wire.canonical import MAX_INT, NotCanonical, parse
from agentspend.wire.entries import KINDS, VERSION, entry_hash

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

    def add(self, entry: dict[str, Any]) -> None:
        """Fold in one parsed entry."""
        kind = entry["kind"]
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if kind not in AMOUNT_KINDS:
            return
        amount_nusd = entry.get("amount_nusd", 0)
        if entry.get("counted") == "subscription":
            self.subscription_nusd += amount_nusd
        else:
            self.billed_nusd += amount_nusd
        self.overrun_nusd += entry.get("overrun_nusd", 0)


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

    `last` is the last good entry, parsed.
    """

    def __init__(self, *, inc: str = "", after_seq: int = 0, after_hash: str = "") -> None:
        self._inc = inc
        self._seq = after_seq
        self._head = after_hash
        self._entries = 0
        self._why = ""
        self._totals = Totals()
        self.last: dict[str, Any] = {}

    def feed(self, body: bytes) -> bool:
        """Take the next entry; False once something is wrong (and from then on)."""
        if self._why:
            return False
        try:
            self._take(parse(body))
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

    def _take(self, entry: Any) -> None:
        """Check one entry against the chain so far and fold it in, or raise `NotCanonical`."""
        if not isinstance(entry, dict) or entry.get("v") != VERSION:
            raise NotCanonical(f"not a ledger entry of version {VERSION}")
        if any(type(entry.get(name)) is not int for name in ("v", "seq", "ts")):
            raise NotCanonical("v, seq and ts must be whole numbers")
        if entry.get("kind") not in KINDS:
            raise NotCanonical(f"unknown kind {entry.get('kind')!r}")
        if entry.get("seq") != self._seq + 1:
            raise NotCanonical(f"numbered {entry.get('seq')!r}, expected {self._seq + 1}")
        if entry.get("prev") != self._head:
            raise NotCanonical("does not link to the entry before it")
        if (entry["kind"] == "genesis") != (self._seq == 0):
            raise NotCanonical("a ledger begins with its one genesis entry")
        if self._seq == 0 and not self._inc:
            self._inc = entry.get("inc", "")
        if self._inc and entry.get("inc") != self._inc:
            raise NotCanonical(f"belongs to ledger {entry.get('inc')!r}, not {self._inc!r}")
        lowest = 0 if entry["kind"] == "settle" else -MAX_INT
        for name in ("amount_nusd", "overrun_nusd"):
            amount_nusd = entry.get(name, 0)
            if type(amount_nusd) is not int or amount_nusd < lowest:
                raise NotCanonical(f"{name} cannot be {amount_nusd!r} in a {entry['kind']}")
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
