"""A readable copy of a compressed answer, for the meter; the client's bytes stay as they came.

We ask for `identity`, so this is for providers and gateways that compress all the same. Brotli is
not read: such an answer is charged by its bound.
"""

from collections.abc import Callable, Mapping

from agentspend.core.limits import MAX_METERED_JSON_BYTES
from agentspend.proxy.inflating import Damaged, Inflater, TooLong, inflater_for

Decode = Callable[[bytes], bytes]


def decoder_for(headers: Mapping[str, str]) -> Decode | None:
    """How to read a response's chunks; None for an encoding that cannot be read here."""
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _as_is
    inflater = inflater_for(encoding, MAX_METERED_JSON_BYTES)
    return None if inflater is None else _UpToDamage(inflater).feed


def _as_is(chunk: bytes) -> bytes:
    return chunk


class _UpToDamage:
    """Reads a stream until it is damaged or too long, and nothing of it from there on."""

    def __init__(self, inflater: Inflater) -> None:
        self._inflater: Inflater | None = inflater

    def feed(self, chunk: bytes) -> bytes:
        """The text this chunk completes."""
        if self._inflater is None:
            return b""
        try:
            return self._inflater.feed(chunk)
        except (Damaged, TooLong):
            self._inflater = None
            return b""
