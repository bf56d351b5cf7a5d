"""Recognising a conversation again: digests of a request's prefixes, from its bytes as they are.

The clients measured repeat earlier turns byte for byte (wire study §2-6). What can change from turn
to turn without changing a prompt's tokens is left out by name; any other field must be the same,
also one that nobody here knows.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence

from agentspend.core.facts import PrefixMark
from agentspend.core.limits import MAX_PREFIXES_LOOKED_UP


def prefix_marks(
    parts: Mapping[str, bytes],
    neutral: Collection[str],
    turns: Sequence[bytes],
    sizes: Sequence[int],
) -> tuple[PrefixMark, ...]:
    """Marks for the whole request and for each earlier turn's end, newest first.

    `parts` are the fields beside the turns, `sizes` the turns' token bounds.
    """
    running = hashlib.sha256()
    for name in sorted(parts):
        if name not in neutral:
            running.update(b"%d %b %d " % (len(name), name.encode(), len(parts[name])))
            running.update(parts[name])
    digests = []
    for raw in turns:
        running.update(b"%d " % len(raw))
        running.update(raw)
        digests.append(running.digest())
    marks: list[PrefixMark] = []
    added = 0
    for digest, size in zip(reversed(digests), reversed(sizes), strict=True):
        marks.append(PrefixMark(digest, added))
        if len(marks) == MAX_PREFIXES_LOOKED_UP:
            break
        added += size
    return tuple(marks)
