"""Recognising a conversation again: digests of a request's prefixes, normalised.

Measured with Claude Code 2.1.331: the next request repeats every message, moves its cache marks,
and writes a one-text content list as plain text. So cache marks are taken out and plain text is
put in a list before hashing. Inside a JSON string every quote is escaped, so the pattern below
can only match a real key.
"""

import hashlib
import re
from collections.abc import Callable, Sequence

import msgspec

from agentspend.core.facts import PrefixMark
from agentspend.core.limits import MAX_PREFIXES_LOOKED_UP, TOKENS_PER_MESSAGE
from agentspend.dialects.anthropic.shapes import MESSAGE
from agentspend.dialects.json_parts import Parts

_CACHE_MARK = re.compile(rb',\s*"cache_control"\s*:\s*(?:\{[^{}]*\}|null)')
_CACHE_MARK_FIRST = re.compile(rb'"cache_control"\s*:\s*(?:\{[^{}]*\}|null)\s*,?\s*')
_PROMPT_KEYS = ("model", "system", "tools", "tool_choice", "thinking", "output_config", "container")


def prefix_marks(
    parts: Parts,
    messages: Sequence[msgspec.Raw],
    image_tokens: int,
    bound: Callable[[bytes], int],
) -> tuple[PrefixMark, ...]:
    """Marks for the whole request and for each earlier message boundary, newest first.

    `bound` is the token bound of a text; `image_tokens` is added to whatever was added.
    """
    running = hashlib.sha256()
    for key in _PROMPT_KEYS:
        raw = parts.get(key)
        running.update(key.encode() + b"\0" + (_unmarked(bytes(raw)) if raw is not None else b""))
    digests: list[bytes] = []
    sizes: list[int] = []
    for message in messages:
        raw = bytes(message)
        running.update(b"\0" + _normal(raw))
        digests.append(running.digest())
        sizes.append(bound(raw) + TOKENS_PER_MESSAGE)
    marks: list[PrefixMark] = []
    added = 0
    for digest, size in zip(reversed(digests), reversed(sizes), strict=True):
        marks.append(PrefixMark(digest, added + (image_tokens if added else 0)))
        if len(marks) == MAX_PREFIXES_LOOKED_UP:
            break
        added += size
    return tuple(marks)


def _normal(message: bytes) -> bytes:
    """One message without cache marks, its content always a list."""
    unmarked = _unmarked(message)
    try:
        fields = MESSAGE.decode(unmarked)
    except msgspec.DecodeError:
        return unmarked
    content = bytes(fields.pop("content", msgspec.Raw(b"null")))
    if content[:1] == b'"':
        content = b'[{"type":"text","text":' + content + b"}]"
    rest = b"\0".join(name.encode() + b"\0" + bytes(raw) for name, raw in sorted(fields.items()))
    return rest + b"\0" + content


def _unmarked(raw: bytes) -> bytes:
    if b"cache_control" not in raw:
        return raw
    return _CACHE_MARK_FIRST.sub(b"", _CACHE_MARK.sub(b"", raw))
