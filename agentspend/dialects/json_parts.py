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

_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def take_apart(body: bytes) -> Parts:
    """The top-level values as raw bytes; raises `BadRequest` for anything but one plain object."""
    try:
        parts = _PARTS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the request body is not a JSON object: {error}") from error
    if not _adds_up(body, parts):
        _refuse_repeated_keys(body)
    return parts


def put_together(parts: Mapping[str, msgspec.Raw]) -> bytes:
    """The object again, compact, with every value's bytes as they were."""
    return msgspec.json.encode(dict(parts))


def _adds_up(body: bytes, parts: Parts) -> bool:
    """Whether the parts account for every byte, with `,`/`:` or `, `/`: ` between them."""
    count = len(parts)
    inside = sum(len(name.encode()) + 2 + len(bytes(raw)) for name, raw in parts.items())
    spare = len(body) - inside - 2
    return spare in (max(0, 2 * count - 1), max(0, 4 * count - 2))


def _refuse_repeated_keys(body: bytes) -> None:
    try:
        pairs = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the request body is not valid JSON: {error}") from error
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise BadRequest(f"{name}: the key stands more than once in the request")


class _Pairs(list[tuple[str, Any]]):
    """An object as its pairs, so that a repeated key shows."""
