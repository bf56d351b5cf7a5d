"""AWS event streams, split as they arrive: binary frames, or their payloads already decoded.

A frame (`application/vnd.amazon.eventstream`) is its length, the length of its headers and a
checksum (4 bytes each), the headers, the payload and another checksum. Decoded streams have one
JSON object a line. Checksums are not verified: a damaged payload does not parse.
"""

from agentspend.core.limits import MAX_SSE_EVENT_BYTES

PRELUDE = 12
CHECKSUM = 4
EVENT_TYPE = b":event-type"
TEXT_HEADER = 7


class Frames:
    """Cuts payloads out of a stream, with the name of their event ("" where it is not said)."""

    def __init__(self) -> None:
        self._rest = b""
        self._binary: bool | None = None
        self.overflowed = False

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """The payloads that this chunk completes."""
        self._rest += chunk
        if self._binary is None:
            self._rest = self._rest if self._rest[:1] == b"\0" else self._rest.lstrip()
            if not self._rest:
                return []
            self._binary = self._rest[:1] == b"\0"
        found = self._frames() if self._binary else self._lines()
        if len(self._rest) > MAX_SSE_EVENT_BYTES:
            self._rest, self.overflowed = b"", True
        return found

    def pending(self) -> list[tuple[str, bytes]]:
        """The last line, where it stands without its end."""
        return [("", self._rest)] if self._rest.strip() and not self._binary else []

    def _lines(self) -> list[tuple[str, bytes]]:
        *whole, self._rest = self._rest.split(b"\n")
        return [("", line) for line in whole if line.strip()]

    def _frames(self) -> list[tuple[str, bytes]]:
        found = []
        while len(self._rest) >= PRELUDE:
            length = int.from_bytes(self._rest[:4])
            headers = int.from_bytes(self._rest[4:8])
            if length < PRELUDE + headers + CHECKSUM or length > MAX_SSE_EVENT_BYTES:
                self._rest, self.overflowed = b"", True
                break
            if len(self._rest) < length:
                break
            frame, self._rest = self._rest[:length], self._rest[length:]
            name = _event_name(frame[PRELUDE : PRELUDE + headers])
            found.append((name, frame[PRELUDE + headers : -CHECKSUM]))
        return found


def _event_name(headers: bytes) -> str:
    """The value of `:event-type`; "" where the headers do not say it plainly."""
    at = 0
    while at < len(headers):
        size = headers[at]
        name = headers[at + 1 : at + 1 + size]
        at += 1 + size
        if headers[at : at + 1] != bytes([TEXT_HEADER]):
            return ""
        length = int.from_bytes(headers[at + 1 : at + 3])
        value = headers[at + 3 : at + 3 + length]
        at += 3 + length
        if name == EVENT_TYPE:
            return value.decode("ascii", "replace")
    return ""
