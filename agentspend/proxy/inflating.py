"""gzip, deflate and zstd, piece by piece and never past a bound: a few bytes can hold gigabytes.

A gzip or zstd body may consist of several members, one after the other (RFC 1952 §2.2, RFC 8878
§3). `deflate` is zlib's format by the standard, and bare deflate by habit (RFC 9110 §8.4.1.2).
"""

import sys
import zlib
from collections.abc import Callable
from typing import Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# What every reader of zstd over HTTP must be able to hold, and need not exceed (RFC 9659 §3).
_ZSTD_WINDOW_LOG = 23
# More than any client sends; each one costs a copy of what is left of the piece.
MAX_MEMBERS = 64


class Damaged(Exception):
    """What came is not in the format it was said to be in."""


class TooLong(Exception):
    """It holds more than it may."""


class _Member(Protocol):
    """One gzip, zlib or zstd stream: the interface that zlib, bz2 and zstd share."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Inflater:
    """Reads one compressed body. `max_bytes` is the most it may come to."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        self._encoding = encoding
        self._left = max_bytes
        self._members = 0
        self._now: _Member | None = None

    @property
    def whole(self) -> bool:
        """Whether what came so far is complete: one member at least, and none cut off."""
        return self._now is not None and self._now.eof

    def feed(self, piece: bytes) -> bytes:
        """The text that this piece completes; raises `Damaged` or `TooLong`."""
        found: list[bytes] = []
        while piece:
            if self._now is None or self._now.eof:
                self._now = self._next(piece)
            try:
                text = self._now.decompress(piece, self._left + 1)
            except (zlib.error, zstd.ZstdError) as error:
                raise Damaged(str(error)) from error
            self._left -= len(text)
            if self._left < 0:
                raise TooLong
            found.append(text)
            piece = self._now.unused_data if self._now.eof else b""
        return b"".join(found)

    def _next(self, piece: bytes) -> _Member:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise Damaged(f"it has more than {MAX_MEMBERS} parts")
        return _FORMATS[self._encoding](piece)


def inflater_for(encoding: str, max_bytes: int) -> Inflater | None:
    """How to read a `Content-Encoding`; None for one that cannot be read here."""
    name = encoding.strip().lower()
    return Inflater(name, max_bytes) if name in _FORMATS else None


def _gzip(_: bytes) -> _Member:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _deflate(piece: bytes) -> _Member:
    """zlib's header is a multiple of 31; its first byte alone begins no usual deflate block."""
    zlibs = piece[0] & 15 == 8 and (len(piece) == 1 or int.from_bytes(piece[:2]) % 31 == 0)
    return zlib.decompressobj(zlib.MAX_WBITS if zlibs else -zlib.MAX_WBITS)


def _zstd(_: bytes) -> _Member:
    window = int(zstd.DecompressionParameter.window_log_max)
    return zstd.ZstdDecompressor(options={window: _ZSTD_WINDOW_LOG})


_FORMATS: dict[str, Callable[[bytes], _Member]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
