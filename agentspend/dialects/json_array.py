"""A streamed JSON array, split as it arrives: bytes in, whole items out.

Gemini's `streamGenerateContent` without `alt=sse` answers with one array whose items come as they
are made. Only brackets and strings are looked at, so that an item may be cut anywhere.
"""

import re

from agentspend.core.limits import MAX_SSE_EVENT_BYTES

# A string, whole (its closing quote is group 1) or not yet; or a bracket.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:(")|\\?\Z)|[{}\[\]]', re.DOTALL)
_ITEM_DEPTH = 1


class ArraySplitter:
    """Cuts an array's objects out of a stream, wherever its chunks are cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._at = 0
        self._depth = 0
        self._begin = -1
        self.overflowed = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The items that this chunk completes."""
        self._rest += chunk
        items: list[bytes] = []
        kept = 0
        for token in _TOKEN.finditer(self._rest, self._at):
            first = token[0][:1]
            if first == b'"' and token[1] is None:
                self._at = token.start()
                break
            self._at = token.end()
            if first in b"{[":
                if first == b"{" and self._depth == _ITEM_DEPTH:
                    self._begin = token.start()
                self._depth += 1
            elif first in b"}]":
                self._depth -= 1
                if self._depth == _ITEM_DEPTH and self._begin >= 0:
                    items.append(self._rest[self._begin : token.end()])
                    self._begin, kept = -1, token.end()
        else:
            self._at = len(self._rest)
        self._forget(kept)
        return items

    def _forget(self, used: int) -> None:
        """Drop what is behind us; an item that never ends is given up."""
        if used:
            self._rest = self._rest[used:]
            self._at -= used
            self._begin = self._begin - used if self._begin >= 0 else -1
        if len(self._rest) > MAX_SSE_EVENT_BYTES:
            self._rest, self._at, self._begin, self.overflowed = b"", 0, -1, True
