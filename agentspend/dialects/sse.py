"""Event streams, split as they arrive: bytes in, whole events out (WHATWG server-sent events)."""

from typing import NamedTuple

from agentspend.core.limits import MAX_SSE_EVENT_BYTES

BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its name ("" when unnamed) and its data lines joined by newlines."""

    name: bytes
    data: bytes


class Splitter:
    """Cuts a stream into events wherever its chunks are cut; accepts LF, CR and CRLF."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._held_cr = False
        self._begun = False
        self.overflowed = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        return [event for block in self.blocks(chunk) if (event := parse(block)) is not None]

    def blocks(self, chunk: bytes) -> list[bytes]:
        """The same, unread: each event's lines, for who need not read all of them."""
        if self._held_cr or b"\r" in chunk:
            chunk = self._newlines(chunk)
        seen = max(0, len(self._rest) - 1)
        self._rest += chunk
        if not self._begun and len(self._rest) >= len(BOM):
            self._begun = True
            if self._rest.startswith(BOM):
                del self._rest[: len(BOM)]
        if self._rest.find(b"\n\n", seen) < 0:
            if len(self._rest) > MAX_SSE_EVENT_BYTES:
                self._rest, self.overflowed = bytearray(), True
            return []
        *whole, rest = bytes(self._rest).split(b"\n\n")
        self._rest = bytearray(rest)
        return whole

    def pending(self) -> list[Event]:
        """The event that stands without its empty line, if it has data: the last when all ended."""
        event = parse(bytes(self._rest))
        return [event] if event is not None else []

    def _newlines(self, chunk: bytes) -> bytes:
        """CRLF and CR as LF; a CR at the end waits for what follows it."""
        if self._held_cr:
            chunk = b"\r" + chunk
        self._held_cr = chunk.endswith(b"\r")
        if self._held_cr:
            chunk = chunk[:-1]
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def parse(block: bytes) -> Event | None:
    """One block of lines; None without a data line. What every provider writes is read at once."""
    if block.startswith(b"event: "):
        named, found, text = block[7:].partition(b"\ndata: ")
        if found and b"\n" not in named and b"\n" not in text:
            return Event(named.strip(), text)
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line == b"data":
            data.append(b"")
    return Event(name, b"\n".join(data)) if data else None
