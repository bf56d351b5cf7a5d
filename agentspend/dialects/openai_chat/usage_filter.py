"""Taking the usage out of a Chat stream whose client did not ask for it.

What `stream_options.include_usage` adds: `"usage":null` in every chunk, and one last chunk with no
choices (study §3.2). Everything else passes byte for byte, each event as soon as it is whole.
"""

import re

import msgspec

from agentspend.core.limits import MAX_SSE_EVENT_BYTES
from agentspend.dialects.json_parts import UNREADABLE

# Two line ends in a row; the first may not be half of a CRLF.
_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LONGEST_END = 4
_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null(?=\s*[,}])|"usage"\s*:\s*null\s*,\s*')
_WORD = b'"usage"'


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"")


_CHUNK = msgspec.json.Decoder(_Chunk)


class UsageFilter:
    """One stream's filter. Never raises: what it does not understand passes."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._passing = False
        self._dropped = False
        self._cut_in_crlf = False

    def feed(self, chunk: bytes) -> bytes:
        """The events that this chunk completes, without what the client did not ask for."""
        if self._passing:
            return chunk
        looked_at = max(0, len(self._rest) - _LONGEST_END)
        self._rest += chunk
        passed = bytearray()
        begin = 0
        while (end := _END.search(self._rest, max(begin, looked_at))) is not None:
            passed += self._let_through(bytes(self._rest[begin : end.end()]))
            begin = end.end()
        del self._rest[:begin]
        if len(self._rest) > MAX_SSE_EVENT_BYTES:
            self._passing = True
            passed += self.flush()
        return bytes(passed)

    def flush(self) -> bytes:
        """What stands without its empty line when the stream ends."""
        rest, self._rest = bytes(self._rest), bytearray()
        return self._let_through(rest) if rest else b""

    def _let_through(self, event: bytes) -> bytes:
        """What passes of one event; a line end in front may be half of the CRLF before it."""
        half = event[: self._cut_in_crlf and event.startswith(b"\n")]
        event = event[len(half) :]
        passed = _without_usage(event)
        if self._dropped:
            half = b""
        self._dropped = bool(event) and not passed
        self._cut_in_crlf = event.endswith(b"\r")
        return half + passed


def _without_usage(event: bytes) -> bytes:
    """The event, or nothing where it only tells the usage."""
    if _WORD not in event:
        return event
    lines = [line for line in re.split(rb"\r\n|\n|\r", event) if line.startswith(b"data:")]
    if len(lines) != 1:
        return event
    try:
        chunk = _CHUNK.decode(lines[0][5:])
    except UNREADABLE:
        return event
    usage = bytes(chunk.usage)
    if usage == b"null":
        lighter, found = _NULL_USAGE.subn(b"", event)
        return lighter if found == 1 else event
    return b"" if usage and chunk.choices == [] else event
