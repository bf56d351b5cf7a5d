"""Names in a Gemini request, of which Google's JSON takes two spellings.

`maxOutputTokens` and `max_output_tokens` are one field: names are brought to one spelling, and a
field that stands in both is refused.
"""

import re
from collections.abc import Mapping

import msgspec

from agentspend.dialects.base import BadRequest
from agentspend.dialects.json_parts import UNREADABLE, take_apart

_UNDERSCORE = re.compile(r"_([a-z0-9])")


def camel(name: str) -> str:
    """The one spelling: `max_output_tokens` → `maxOutputTokens`."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def spelt_once(parts: Mapping[str, msgspec.Raw | bytes]) -> dict[str, bytes]:
    """The fields by their one spelling. Raises `BadRequest` for one that stands in both."""
    found: dict[str, bytes] = {}
    for name, raw in parts.items():
        if (one := camel(name)) in found:
            raise BadRequest(f"{name}: the field stands in two spellings")
        found[one] = bytes(raw)
    return found


def inner(raw: bytes | None) -> dict[str, bytes] | None:
    """An object's fields by their one spelling; None where it is no object."""
    if raw is None:
        return {}
    try:
        return spelt_once(take_apart(raw))
    except BadRequest:
        return None


def decoded(raw: bytes) -> object:
    """Any JSON value; None where it is none."""
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None
