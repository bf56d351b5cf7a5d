"""Event streams: whole events, wherever the chunks are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.limits import MAX_SSE_EVENT_BYTES
from agentspend.dialects.sse import Event, Splitter

STREAM = (
    b"event: a\ndata: 1\n\n: talk\n\ndata:2\ndata: 3\n\nid: 9\ndata\n\n\n\nevent: b\ndata: 4\n\n"
)
EVENTS = [Event(b"a", b"1"), Event(b"", b"2\n3"), Event(b"", b""), Event(b"b", b"4")]


def fed(*chunks: bytes) -> list[Event]:
    """All events of these chunks, and the one that pends."""
    splitter = Splitter()
    found = [event for chunk in chunks for event in splitter.feed(chunk)]
    return found + splitter.pending()


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_events_are_the_same_at_every_cut(ending: bytes) -> None:
    """One cut at any byte, or at all of them, changes no event."""
    stream = STREAM.replace(b"\n", ending)
    assert fed(stream) == EVENTS
    assert fed(*(bytes([byte]) for byte in stream)) == EVENTS
    assert all(fed(stream[:at], stream[at:]) == EVENTS for at in range(len(stream)))


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    """A stream may begin with a byte order mark, in one piece or in three."""
    stream = b"\xef\xbb\xbfdata: 1\n\n"
    assert [Event(b"", b"1")] == fed(stream) == fed(*(bytes([byte]) for byte in stream))


def test_an_event_without_its_empty_line_pends() -> None:
    """What stands at the end can be asked for again and again, and goes on when more comes."""
    splitter = Splitter()
    assert splitter.feed(b"event: x\ndata: 1") == []
    assert [Event(b"x", b"1")] == splitter.pending() == splitter.pending()
    assert [Event(b"x", b"12")] == splitter.feed(b"2\n\n")
    assert splitter.pending() == []


def test_an_event_beyond_the_limit_is_dropped_and_said() -> None:
    """Memory is bounded: a longer event is given up, and the splitter says so."""
    splitter = Splitter()
    half = b"data: " + b"x" * (MAX_SSE_EVENT_BYTES // 2)
    assert [] == splitter.feed(half) == splitter.feed(half)
    assert splitter.overflowed
    assert [Event(b"", b"1")] == splitter.feed(b"\n\ndata: 1\n\n")


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"\r", b"\n", b"data: x", b"\r\n\r\n"])))
def test_any_bytes_split_as_if_they_had_come_whole(chunks: list[bytes]) -> None:
    """The cuts of a stream never show in its events."""
    assert fed(b"".join(chunks)) == fed(*chunks)
