"""Bytes → the part of an entry that chains, accounts and reports look at, checked to be canonical.

As strict as `canonical.parse` and half its cost for the entries we write: their fields have types
which say that they lie in the subset, so that nothing but names of counts is looked at one by one.
"""

from typing import Annotated, Any

import msgspec

from agentspend.wire.canonical import MAX_INT, NotCanonical, check_keys, parse, write_checked
from agentspend.wire.entries import KINDS, VERSION

_Int = Annotated[int, msgspec.Meta(ge=-MAX_INT, le=MAX_INT)]


class Read(msgspec.Struct, omit_defaults=True, gc=False):
    """What is looked at; other fields are covered by the hash. See `entries.Entry`."""

    inc: str
    seq: _Int
    prev: str
    kind: str
    ts: _Int
    v: _Int
    member: str = ""
    device: str = ""
    team: str = ""
    agent: str = ""
    project: str = ""
    branch: str = ""
    provider: str = ""
    model: str = ""
    counted: str = ""
    amount_nusd: _Int | None = None
    overrun_nusd: _Int | None = None
    rights: list[tuple[str, _Int, _Int]] | None = None

    @property
    def charged_nusd(self) -> int:
        """The amount, 0 for an entry without one."""
        return self.amount_nusd or 0


class _Usual(Read, omit_defaults=True, gc=False):
    """All fields of the entries we write, but the rarest."""

    rid: str = ""
    session: str = ""
    subagent: str = ""
    tags: list[str] | None = None
    key: str = ""
    requested_model: str = ""
    downgraded_from: str = ""
    usage: dict[str, _Int] | None = None
    hold_nusd: _Int | None = None
    billing: str = ""
    evidence: str = ""
    price: str = ""
    rates: dict[str, _Int] | None = None
    request_id: str = ""
    response_id: str = ""
    status: _Int | None = None
    stop_reason: str = ""
    held_at: _Int | None = None
    ref: _Int | None = None
    text: str = ""


_USUAL = msgspec.json.Decoder(_Usual)


def read_entry(body: bytes) -> Read:
    """Read an entry. Raises `NotCanonical` for bytes that no writer would have written; fields
    and shapes that we do not know are taken as they are."""
    try:
        entry = _USUAL.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _any(parse(body))
    if entry.usage is not None:
        check_keys(entry.usage)
    if entry.rates is not None:
        check_keys(entry.rates)
    if write_checked(entry) != body or entry.v != VERSION or entry.kind not in KINDS:
        return _any(parse(body))
    return entry


def _any(value: Any) -> Read:
    """An entry as it was parsed, the part of it that is looked at."""
    if not isinstance(value, dict) or value.get("v") != VERSION:
        raise NotCanonical(f"not a ledger entry of version {VERSION}")
    if any(type(value.get(name)) is not int for name in ("v", "seq", "ts")):
        raise NotCanonical("v, seq and ts must be whole numbers")
    if type(value.get("kind")) is not str or value["kind"] not in KINDS:
        raise NotCanonical(f"unknown kind {value.get('kind')!r}")
    try:
        return msgspec.convert(value, Read)
    except msgspec.ValidationError as error:
        raise NotCanonical(f"not a ledger entry: {error}") from error
