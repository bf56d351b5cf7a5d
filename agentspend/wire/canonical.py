"""One value, one spelling: the JSON subset that is hashed and signed.

Owns the subset (protocol study §3.1): object keys `[a-z0-9_]+`, strings, integers up to 2^53-1
either way, booleans, null, arrays, objects. No floats. Inside it msgspec with sorted keys writes
the very bytes of RFC 8785 (20,000 hypothesis examples and every code point up to U+2100 against
the `rfc8785` package), so any auditor can check with any library. Outside it they differ, hence
the validator, before writing and after reading.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Never

import msgspec

MAX_INT = 2**53 - 1
MAX_DEPTH = 32

MOST_MET, LONGEST_MET = 1_024, 512
_MET: set[tuple[object, ...]] = set()
"""Sets of keys that passed, in their order; few and short ones, so that nobody can fill memory."""
_FOREIGN_IN_KEYS = re.compile(r"[^a-z0-9_]")
_ENCODER = msgspec.json.Encoder(order="sorted")
_LINES = msgspec.json.Encoder(order="deterministic")
"""Sorts the keys of objects, and takes the fields of structs in their order."""


class NotCanonical(ValueError):
    """The value or the bytes are outside the subset; the text says where and why."""


def _no_float(text: str) -> Never:
    raise NotCanonical(f"{text} is not a whole number")


_DECODER = msgspec.json.Decoder(float_hook=_no_float)


def canonical(value: object) -> bytes:
    """The one spelling of a value. Raises `NotCanonical` for anything outside the subset."""
    check(value)
    return write_checked(value)


def write_checked(value: object) -> bytes:
    """The spelling of a value that `check` has passed; a lone surrogate still raises."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise NotCanonical("a string holds half a surrogate pair") from error


def write_sorted(values: Sequence[msgspec.Struct]) -> bytes:
    """The spellings of values that `check` would pass and whose fields are declared in order, a
    line each."""
    try:
        return _LINES.encode_lines(values)
    except UnicodeEncodeError as error:
        raise NotCanonical("a string holds half a surrogate pair") from error


def parse(body: bytes) -> Any:
    """Read bytes that are already canonical; anything re-writing would change is refused.

    That covers repeated keys, spaces, floats, other escapes, `-0` and unsorted keys.
    """
    try:
        value = _DECODER.decode(body)
    except NotCanonical:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotCanonical(f"not JSON: {error}") from error
    except msgspec.ValidationError as error:
        raise NotCanonical(str(error)) from error
    check(value)
    if write_checked(value) != body:
        raise NotCanonical("not in canonical form: writing it again changes the bytes")
    return value


def check(value: object, depth: int = 0) -> None:
    """Raise `NotCanonical` unless the value lies in the subset."""
    items: Iterable[object]
    if isinstance(value, dict):
        check_keys(value)
        items = value.values()
    elif isinstance(value, list | tuple):
        items = value
    else:
        _check_plain(value)
        return
    if depth >= MAX_DEPTH:
        raise NotCanonical(f"nested deeper than {MAX_DEPTH}")
    for item in items:
        kind = type(item)
        # Most values are strings and small integers: passing them here saves most of the time.
        if kind is str or (kind is int and -MAX_INT <= item <= MAX_INT):
            continue
        check(item, depth + 1)


def _check_plain(value: object) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is not int:
        raise NotCanonical(f"{kind.__name__} has no canonical form")
    if not -MAX_INT <= value <= MAX_INT:  # type: ignore[operator]
        raise NotCanonical(f"{value} is beyond 2^53-1")


def check_keys(found: Mapping[Any, object]) -> None:
    """Raise `NotCanonical` unless all keys lie in the subset.

    All keys in one search; the sets of keys that were met before need none.

    Entries and messages have a few such sets: looking one up costs a fifth of searching it.
    """
    keys = tuple(found)
    if keys in _MET:
        return
    try:
        joined = "".join(keys)
        foreign = "" in found or _FOREIGN_IN_KEYS.search(joined)
    except TypeError:
        foreign = True
    if foreign:
        raise NotCanonical(f"a key of {sorted(map(repr, found))} is not made of a-z, 0-9 and _")
    if len(joined) <= LONGEST_MET and len(_MET) < MOST_MET:
        _MET.add(keys)
