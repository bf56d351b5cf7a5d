"""A provider's answer on its way: its shape, and in how few writes."""

import pytest
from multidict import CIMultiDict

from agentspend.http.answer import Answer
from agentspend.http.head import BadHead


class _Wire:
    """The client's connection, and the request of its client."""

    def __init__(self, is_old: bool = False) -> None:
        self.writes: list[bytes] = []
        self.connection, self.is_old, self.keep_alive = self, is_old, True
        self.is_slow = False

    def wishes(self, request: object) -> list[tuple[str, str]]:
        """What the connection adds."""
        return [] if self.keep_alive else [("Connection", "close")]

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.writes.append(data)


def answer(wire: _Wire, *headers: tuple[str, str], reason: str = "OK", status: int = 200) -> Answer:
    """An answer on this wire."""
    return Answer(wire, status, reason, CIMultiDict(headers))  # type: ignore[arg-type]


async def test_what_is_there_at_once_is_one_write() -> None:
    """Head, bytes and end; with a length or in chunks."""
    for headers, expected in (
        ([("Content-Length", "2")], b"Content-Length: 2\r\n\r\nhi"),
        ([], b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    ):
        wire = _Wire()
        found = answer(wire, *headers)
        found.begin(at_once=False)
        await found.pass_on(b"hi", last=True)
        await found.end()
        assert wire.writes == [b"HTTP/1.1 200 OK\r\n" + expected]
        assert found.ended


async def test_no_byte_waits_for_another() -> None:
    """The head goes alone where nothing else is there; an empty piece is no end of chunks."""
    wire = _Wire()
    found = answer(wire)
    found.begin(at_once=True)
    assert len(wire.writes) == 1
    await found.pass_on(b"", last=False)
    await found.pass_on(b"hi", last=False)
    assert b"".join(wire.writes).endswith(b"\r\n\r\n2\r\nhi\r\n")
    await found.end()
    assert wire.writes[-1] == b"0\r\n\r\n"


async def test_an_old_client_gets_no_chunks() -> None:
    """HTTP/1.0: until the connection closes."""
    wire = _Wire(is_old=True)
    found = answer(wire)
    found.begin(at_once=False)
    await found.pass_on(b"hi", last=True)
    assert wire.writes == [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi"]


@pytest.mark.parametrize("status", [204, 304])
async def test_one_that_has_no_body_gets_no_end_of_one(status: int) -> None:
    """Chunks would be taken for the next answer."""
    wire = _Wire()
    found = answer(wire, status=status, reason="")
    found.begin(at_once=False)
    await found.end()
    assert wire.writes[0].endswith(b"\r\n\r\n")
    assert b"chunked" not in wire.writes[0]


@pytest.mark.parametrize("reason", ["a\r\nB: c", "a\x01", "caf\udce9"])
async def test_a_reason_that_cannot_be_written_is_left_out(reason: str) -> None:
    """The answer was paid for."""
    wire = _Wire()
    answer(wire, reason=reason).begin(at_once=True)
    assert wire.writes[0].startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_header_splits_no_answer() -> None:
    """A line break in a value."""
    with pytest.raises(BadHead):
        answer(_Wire(), ("A", "b\r\n\r\nHTTP/1.1 200 OK")).begin(at_once=True)
