"""A message's body as it arrives."""

import asyncio
from collections.abc import AsyncIterator, Callable

MAX_UNREAD_BYTES = 256 * 1024


class TooLarge(Exception):
    """A body is larger than it may be."""


class Incoming:
    """The bytes of one body in their order: fed by a connection, read by one reader.

    `hold` is told True when more than `MAX_UNREAD_BYTES` wait to be read, False once they are.
    """

    __slots__ = ("_dropped", "_error", "_held", "_hold", "_pieces", "_unread", "_waiter", "_whole")

    def __init__(self, hold: Callable[[bool], None]) -> None:
        self._hold = hold
        self._held = False
        self._pieces: list[bytes] = []
        self._unread = 0
        self._whole = self._dropped = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def has_news(self) -> bool:
        """Whether a reader would not have to wait."""
        return bool(self._pieces) or self._whole or self._error is not None

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self._whole and not self._pieces

    def feed(self, piece: bytes) -> None:
        """More of it has come."""
        if self._dropped:
            return
        self._pieces.append(piece)
        self._unread += len(piece)
        if self._unread > MAX_UNREAD_BYTES and not self._held:
            self._held = True
            self._hold(True)
        self._wake()

    def end(self) -> None:
        """That was all."""
        self._whole = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """It was cut: the reader gets what came before, then this."""
        if not self._whole:
            self._error = error
            self._wake()

    def drop(self) -> None:
        """Nobody reads the rest."""
        self._dropped = True
        self._take()

    async def read_any(self) -> bytes:
        """What has come since, as one piece; b"" at the end. Raises what cut it."""
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._whole:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._take()

    async def read(self, limit_bytes: int) -> bytes:
        """All of it, put together once. Raises `TooLarge`, and what cut it."""
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read_any():
            size += len(piece)
            if size > limit_bytes:
                raise TooLarge
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Each piece as it comes."""
        while piece := await self.read_any():
            yield piece

    def _take(self) -> bytes:
        pieces = self._pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces, self._unread = [], 0
        if self._held:
            self._held = False
            self._hold(False)
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
