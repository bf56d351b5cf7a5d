"""A body as it arrives: in order, bounded, and never whole when it was cut."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.http.incoming import MAX_UNREAD_BYTES, Incoming, TooLarge


class Held:
    """Remembers whether the connection is held; told twice the same, it fails."""

    def __init__(self) -> None:
        self.on = False

    def __call__(self, on: bool) -> None:
        assert on != self.on
        self.on = on


@given(st.lists(st.binary(min_size=1)))
def test_all_of_it_in_order(pieces: list[bytes]) -> None:
    """Whatever came before the reader, or after."""

    async def read() -> bytes:
        body = Incoming(Held())
        reader = asyncio.create_task(body.read(1_000_000))
        for piece in pieces:
            body.feed(piece)
            await asyncio.sleep(0)
        body.end()
        return await reader

    assert asyncio.run(read()) == b"".join(pieces)


async def test_what_nobody_reads_is_bounded() -> None:
    """The connection is held above the bound, and goes on once it was read or dropped."""
    for ends in ("read", "dropped"):
        held = Held()
        body = Incoming(held)
        body.feed(b"x" * MAX_UNREAD_BYTES)
        assert not held.on
        body.feed(b"x")
        assert held.on
        if ends == "read":
            assert len(await body.read_any()) == MAX_UNREAD_BYTES + 1
        else:
            body.drop()
            body.feed(b"y" * MAX_UNREAD_BYTES * 2)
        assert not held.on
        assert not body.has_news


async def test_cut_it_is_read_to_the_cut() -> None:
    """Then the error comes; what was whole before stays whole."""
    body = Incoming(Held())
    body.feed(b"ab")
    body.fail(ConnectionResetError())
    assert await body.read_any() == b"ab"
    with pytest.raises(ConnectionResetError):
        await body.read_any()
    whole = Incoming(Held())
    whole.feed(b"ab")
    whole.end()
    whole.fail(ConnectionResetError())
    assert await whole.read(2) == b"ab"
    assert whole.at_end


async def test_over_the_limit_by_one_byte() -> None:
    """Before the rest is here."""
    body = Incoming(Held())
    body.feed(b"abc")
    with pytest.raises(TooLarge):
        await body.read(2)
