"""What a crash left behind: every open hold is settled before new work (protocol study §4.4).

A hold whose settlement could not be written stands in `emergency.jsonl`; it is settled as that
says. Any other open hold is charged in full, marked `crash_upper_bound`, and can be lowered by
`agentspend adjust` or by reconciliation.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Moment, Settlement
from agentspend.core.usage import Billing
from agentspend.store import holds


def note_emergency(path: Path, settlement: Settlement) -> None:
    """Append a settlement the database would not take, and force it to disk.

    On a line of its own, also after one that the full disk took only a part of.
    """
    line = msgspec.json.encode(
        {
            "rid": settlement.rid,
            "amount_nusd": settlement.amount_nusd,
            "billing": settlement.billing.value,
            "evidence": settlement.evidence,
            "entry": settlement.entry,
        }
    )
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, (b"\n" if torn else b"") + line + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def read_emergency(path: Path) -> dict[str, Mapping[str, object]]:
    """The settlements waiting in the file, by request; a torn last line is left out."""
    if not path.exists():
        return {}
    found: dict[str, Mapping[str, object]] = {}
    for line in path.read_bytes().splitlines():
        try:
            item = msgspec.json.decode(line)
            found[item["rid"]] = item
        except (msgspec.DecodeError, KeyError, TypeError):
            continue
    return found


def recover(books: Books, at: Moment, emergency: Mapping[str, Mapping[str, object]]) -> int:
    """Settle every open hold; returns how many there were."""
    left = holds.all_open(books.conn)
    for hold in left:
        known = emergency.get(hold.rid)
        books.settle(_as_written(known) if known else _in_full(hold), at)
    return len(left)


def settle_noted(books: Books, at: Moment, emergency: Mapping[str, Mapping[str, object]]) -> None:
    """Settle the open holds of this run that only the emergency file could take."""
    for hold in holds.all_open(books.conn):
        if hold.rid in emergency:
            books.settle(_as_written(emergency[hold.rid]), at)


def _in_full(hold: holds.Hold) -> Settlement:
    return Settlement(
        rid=hold.rid,
        amount_nusd=hold.amount_nusd,
        billing=Billing.CEILING,
        evidence="crash_upper_bound",
    )


def _as_written(item: Mapping[str, object]) -> Settlement:
    entry = item["entry"]
    assert isinstance(entry, dict)
    amount_nusd = item["amount_nusd"]
    assert isinstance(amount_nusd, int)
    return Settlement(
        rid=str(item["rid"]),
        amount_nusd=amount_nusd,
        billing=Billing(str(item["billing"])),
        evidence=str(item["evidence"]),
        entry=entry,
    )
