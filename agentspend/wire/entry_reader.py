"""Bytes → the part of an entry that chains, accounts and reports look at, checked to be canonical.

As strict as `canonical.parse` and half its cost for the entries we write: their fields have types
which say that they lie in the subset, so that nothing but names of counts is looked at one by one.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec

from agentspend.wire.canonical import (
    MAX_INT,
    NotCanonical,
    check_keys,
    parse,
    write_sorted,
)
from agentspend.wire.entries import KINDS, VERSION

_Int = Annotated[int, msgspec.Meta(ge=-MAX_INT, le=MAX_INT)]


class _Usual(msgspec.Struct, omit_defaults=True, gc=False, kw_only=True):
    """All fields of the entries we write, but the rarest; in the order in which they are written,
    so that writing them again needs no sorting."""

    agent: str = ""
    amount_nusd: _Int | None = None
    billing: str = ""
    branch: str = ""
    counted: str = ""
    device: str = ""
    downgraded_from: str = ""
    evidence: str = ""
    held_at: _Int | None = None
    hold_nusd: _Int | None = None
    inc: str
    key: str = ""
    kind: str
    member: str = ""
    model: str = ""
    overrun_nusd: _Int | None = None
    prev: str
    price: str = ""
    project: str = ""
    provider: str = ""
    rates: dict[str, _Int] | None = None
    ref: _Int | None = None
    request_id: str = ""
    requested_model: str = ""
    response_id: str = ""
    rid: str = ""
    rights: list[tuple[str, _Int, _Int]] | None = None
    seq: _Int
    session: str = ""
    status: _Int | None = None
    stop_reason: str = ""
    subagent: str = ""
    tags: list[str] | None = None
    team: str = ""
    text: str = ""
    ts: _Int
    usage: dict[str, _Int] | None = None
    v: _Int

    @property
    def charged_nusd(self) -> int:
        """The amount, 0 for an entry without one."""
        return self.amount_nusd or 0


class _Odd(msgspec.Struct, gc=False, kw_only=True):
    """The part of any other entry that is looked at."""

    agent: str = ""
    amount_nusd: _Int | None = None
    branch: str = ""
    counted: str = ""
    device: str = ""
    inc: str
    kind: str
    member: str = ""
    model: str = ""
    overrun_nusd: _Int | None = None
    prev: str
    project: str = ""
    provider: str = ""
    rights: list[tuple[str, _Int, _Int]] | None = None
    seq: _Int
    team: str = ""
    ts: _Int
    v: _Int

    @property
    def charged_nusd(self) -> int:
        """The amount, 0 for an entry without one."""
        return self.amount_nusd or 0


Read = _Usual | _Odd
"""What is looked at; other fields are covered by the hash. See `entries.Entry`."""
_USUAL = msgspec.json.Decoder(_Usual)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_entries(bodies: Sequence[bytes]) -> Iterable[Read]:
    """Read entries as `read_entry` does; a fault is raised when its entry's turn comes.

    Those of the usual shape are read and written again at once, one a line: no entry holds the
    end of a line, so that lines which are equal are equal one by one.
    """
    lines = b"".join(body + b"\n" for body in bodies)
    try:
        found = _USUAL.decode_lines(lines) if lines.count(b"\n") == len(bodies) else []
        if len(found) == len(bodies) and _are_usual(found) and write_sorted(found) == lines:
            return found
    except (*_UNREADABLE, NotCanonical):
        pass
    return map(read_entry, bodies)


def _are_usual(found: Sequence[_Usual]) -> bool:
    """What types do not say. Raises `NotCanonical` for names of counts outside the subset."""
    for names in {tuple(counts) for each in found for counts in (each.usage, each.rates) if counts}:
        check_keys(dict.fromkeys(names))
    return {each.v for each in found} == {VERSION} and {each.kind for each in found} <= KINDS


def read_entry(body: bytes) -> Read:
    """Read an entry. Raises `NotCanonical` for bytes that no writer would have written; fields
    and shapes that we do not know are taken as they are."""
    try:
        entry = _USUAL.decode(body)
    except _UNREADABLE:
        return _any(parse(body))
    if entry.usage is not None:
        check_keys(entry.usage)
    if entry.rates is not None:
        check_keys(entry.rates)
    if write_sorted([entry]) != body + b"\n" or entry.v != VERSION or entry.kind not in KINDS:
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
        return msgspec.convert(value, _Odd)
    except msgspec.ValidationError as error:
        raise NotCanonical(f"not a ledger entry: {error}") from error
