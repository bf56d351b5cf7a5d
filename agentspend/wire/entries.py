"""Ledger entry ⇄ bytes: the only codec. What is hashed, stored, sent and checked is one string.

The body's keys are the names `agentspend log --json` shows. No prompt, completion, file name or
header ever stands in an entry: counts, models, opaque ids and amounts only.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from operator import attrgetter
from typing import Any

import msgspec

from agentspend.wire.canonical import NotCanonical, check, write_checked

VERSION = 1
KINDS = frozenset({"genesis", "settle", "adjust", "return", "close", "policy", "key", "note"})
LEFT = "left"
"""The text of the `close` entry in which a device says that it leaves its team."""
_DOMAIN = b"agentspend/entry/v1\n"
_LOG_FIELDS = (
    "session",
    "agent",
    "model",
    "usage",
    "amount_nusd",
    "billing",
    "evidence",
)


class Entry(msgspec.Struct, frozen=True):
    """One immutable record. Empty optionals (None, "", no items) are left out of the body.

    `inc` is the ledger's incarnation, `prev` the hash of the entry before ("" for the first),
    `ts` and `held_at` UTC microseconds (`held_at` decides the window an amount counts in).
    `requested_model` is what was asked of the provider where another model answered, and
    `downgraded_from` what the agent had named where a rule asked for a cheaper one.
    `counted` is "billed" or "subscription". `price` is the price table's version and `rates` the
    pUSD rates that were applied. `ref` is the sequence number an `adjust` corrects. `rights` are
    the team accounts an entry counts in: (pool, window, nano-USD) each. `team` is the one its
    session spent for, of those its member belongs to; older entries lack it.
    """

    inc: str
    seq: int
    prev: str
    kind: str
    ts: int
    v: int = VERSION
    rid: str | None = None
    session: str | None = None
    agent: str | None = None
    member: str | None = None
    device: str | None = None
    project: str | None = None
    branch: str | None = None
    subagent: str | None = None
    tags: Sequence[str] | None = None
    key: str | None = None
    provider: str | None = None
    model: str | None = None
    requested_model: str | None = None
    downgraded_from: str | None = None
    usage: Mapping[str, int] | None = None
    amount_nusd: int | None = None
    hold_nusd: int | None = None
    overrun_nusd: int | None = None
    billing: str | None = None
    evidence: str | None = None
    counted: str | None = None
    price: str | None = None
    rates: dict[str, Any] | list[Any] | None = None
    request_id: str | None = None
    response_id: str | None = None
    status: int | None = None
    stop_reason: str | None = None
    held_at: int | None = None
    ref: int | None = None
    text: str | None = None
    policy: dict[str, Any] | None = None
    rights: Sequence[tuple[str, int, int]] | None = None
    team: str | None = None


_NAMES = Entry.__struct_fields__
_values = attrgetter(*_NAMES)
_DECODER = msgspec.json.Decoder(Entry)


def encode(entry: Entry) -> bytes:
    """The entry's canonical bytes. Raises `NotCanonical` for a value no reader would accept."""
    if entry.kind not in KINDS or entry.v != VERSION:
        raise NotCanonical(f"no entry kind {entry.kind!r} in version {entry.v}")
    if not (entry.seq > 0 and entry.ts >= 0):
        raise NotCanonical(f"entry {entry.seq} at {entry.ts} is out of range")
    body = {
        name: value
        for name, value in zip(_NAMES, _values(entry), strict=True)
        if value or value == 0 or name == "prev"
    }
    check(body)
    return write_checked(body)


def decode(body: bytes) -> Entry:
    """Read an entry, refusing bytes that `encode` would not have written."""
    try:
        entry = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotCanonical(f"not a ledger entry: {error}") from error
    if encode(entry) != body:
        raise NotCanonical("not in canonical form: writing it again changes the bytes")
    return entry


def entry_hash(body: bytes) -> str:
    """The entry's hash, lower-case hex: what the next entry's `prev` must be."""
    return sha256(_DOMAIN + body).hexdigest()


def log_row(body: bytes) -> dict[str, object]:
    """One line of `agentspend log --json`: the body, its hash, and null for what is unsaid."""
    row: dict[str, object] = msgspec.json.decode(body)
    for name in _LOG_FIELDS:
        row.setdefault(name, None)
    row["hash"] = entry_hash(body)
    return row
