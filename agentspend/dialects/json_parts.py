"""A JSON object taken apart at its top level, without touching the bytes of its values.

Refuses what two parsers could read differently: a key that stands twice, also in another
spelling. Cheap for the two separator styles clients use; only other bodies are checked slowly.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from agentspend.dialects.base import BadRequest

Parts = dict[str, msgspec.Raw]

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding foreign JSON can raise."""

_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def take_apart(body: bytes) -> Parts:
    """The top-level values as raw bytes; raises `BadRequest` for anything but one plain object."""
    try:
        parts = _PARTS.decode(body)
    except UNREADABLE as error:
        raise BadRequest(f"the request body is not a JSON object: {error}") from error
    if not _adds_up(body, parts):
        _refuse_repeated_keys(body)
    return parts


def put_together(parts: Mapping[str, msgspec.Raw]) -> bytes:
    """The object again, compact, with every value's bytes as they were."""
    return msgspec.json.encode(dict(parts))


def with_model(body: bytes, model: str) -> bytes:
    """A body whose `model` names another one; every other value's bytes stay."""
    return put_together({**take_apart(body), "model": msgspec.Raw(msgspec.json.encode(model))})


def _adds_up(body: bytes, parts: Parts) -> bool:
    """Whether the parts, written one after the other, are the whole body: then no key is hidden."""
    pairs = [(name.encode(), bytes(raw)) for name, raw in parts.items()]
    for comma, colon in ((b",", b":"), (b", ", b": ")):
        between = len(comma) * max(0, len(pairs) - 1) + (2 + len(colon)) * len(pairs)
        if len(body) == 2 + between + sum(len(name) + len(raw) for name, raw in pairs):
            items = (b'"' + name + b'"' + colon + raw for name, raw in pairs)
            return body == b"{" + comma.join(items) + b"}"
    return False


def _refuse_repeated_keys(body: bytes) -> None:
    try:
        pairs = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the request body is not valid JSON: {error}") from error
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise BadRequest(f"{name}: the key stands more than once in the request")
        seen.add(name)


class _Pairs(list[tuple[str, Any]]):
    """An object as its pairs, so that a repeated key shows."""
