"""A readable copy of a compressed answer, for the meter; the client's bytes stay as they came.

We ask for `identity`, so this is for providers and gateways that compress all the same.
"""

import zlib
from collections.abc import Callable, Mapping

from agentspend.core.limits import MAX_METERED_JSON_BYTES

Decode = Callable[[bytes], bytes]
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def decoder_for(headers: Mapping[str, str]) -> Decode | None:
    """How to read a response's chunks; None for an encoding that cannot be read here."""
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _as_is
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _Inflater().feed
    return None


def _as_is(chunk: bytes) -> bytes:
    return chunk


class _Inflater:
    """Inflates up to a bound: a stream that grows past it is not read any further."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._left = MAX_METERED_JSON_BYTES

    def feed(self, chunk: bytes) -> bytes:
        """The text this chunk completes; nothing once the stream is damaged or too long."""
        if self._left <= 0:
            return b""
        try:
            text = self._inflate.decompress(chunk, self._left)
        except zlib.error:
            self._left = 0
            return b""
        self._left -= len(text)
        return text
