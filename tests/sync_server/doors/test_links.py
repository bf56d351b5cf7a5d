"""Slow clients and crowds of them: cut off, while everybody else is served."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sync_server.app import Server
from sync_server.doors import links
from sync_server.doors.links import Links, Patience, whence
from tests.sync_server.house import House

HEAD = b"POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
WITHIN_S = 20
"""Longer than any of it takes: a test that fails does not hang."""


@asynccontextmanager
async def impatient(house: House, patience: Patience) -> AsyncIterator[int]:
    """The same house behind another door; its port."""
    server = Server(house.folder, house.hall, patience)
    await server.start()
    try:
        yield server.port
    finally:
        await server.stop()


async def knock(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that trusts whoever answers."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return await asyncio.open_connection("127.0.0.1", port, ssl=context)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server hangs up."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return await reader.read()
    except ConnectionError:
        return b""


async def served(port: int) -> bool:
    """Whether somebody who is quick is answered."""
    reader, writer = await knock(port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    found = await rest(reader)
    writer.close()
    return found.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", b"P", HEAD, HEAD[:-1]], ids=["none", "one", "all", "most"])
async def test_a_head_that_does_not_end_is_not_waited_for(house: House, sent: bytes) -> None:
    """Hung up on without a word, whatever there was of it."""
    async with impatient(house, Patience(head_s=0.05)) as port:
        reader, writer = await knock(port)
        writer.write(sent)
        assert await rest(reader) == b""
        writer.close()
        assert await served(port)


@pytest.mark.parametrize("path", ["/v1/enrol", "/v1/sync", "/v1/admin/cap.list"])
async def test_a_body_that_does_not_come_is_not_waited_for(house: House, path: str) -> None:
    """The answer says so, and the connection ends."""
    head = HEAD.replace(b"/v1/enrol", path.encode())
    token = house.token.partition(".")[0]
    async with impatient(house, Patience(body_s=0.05)) as port:
        reader, writer = await knock(port)
        writer.write(head + b"Authorization: Bearer " + token.encode() + b"\r\n\r\n{")
        async with asyncio.timeout(WITHIN_S):
            said = await reader.readuntil(b"}}")
        assert said.startswith(b"HTTP/1.1 408")
        assert b"was not there whole within 0.05 s" in said
        writer.close()
        assert await served(port)


async def test_an_address_has_so_many_connections_and_no_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one too many is hung up on, those before it go on, and there is room when one ends."""
    monkeypatch.setattr(links, "is_loopback", lambda _: False)
    async with impatient(house, Patience(links=2)) as port:
        [first, second] = [await knock(port) for _ in range(2)]
        assert not await served(port)
        first[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await rest(first[0])).startswith(b"HTTP/1.1 200")
        first[1].close()
        async with asyncio.timeout(WITHIN_S):
            while not await served(port):
                pass
        second[1].close()
    async with impatient(house, Patience(links=0)) as port:
        assert all([await served(port) for _ in range(3)])


def test_this_machine_is_not_counted() -> None:
    """There a proxy may stand, and all come through it."""
    counted = Links(1)
    peers = [("127.0.0.1", 1), ("::1", 1, 0, 0), ("::ffff:127.0.0.1", 1, 0, 0), "", None]
    handlers: list[Any] = [object() for _ in range(2 * len(peers))]
    for handler, peer in zip(handlers, [*peers, *peers], strict=True):
        assert counted.comes(handler, peer)
        counted.goes(handler)


def test_connections_are_counted_by_address() -> None:
    """Whoever leaves makes room for their own, and is forgotten."""
    counted = Links(1)
    handlers: list[Any] = [object() for _ in range(3)]
    assert [counted.comes(each, ("10.0.0.1", n)) for n, each in enumerate(handlers[:2])] == [
        True, False,
    ]  # fmt: skip
    assert counted.comes(handlers[2], ("10.0.0.2", 3))
    for each in [*handlers, *handlers]:
        counted.goes(each)
    assert counted.comes(handlers[0], ("10.0.0.1", 4))


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("10.1.2.3", "10.1.2.3"), ("::ffff:10.1.2.3", "10.1.2.3"), ("::1", "::1"), ("", ""),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"),
        ("admin.sock", "admin.sock"),
    ],
)  # fmt: skip
def test_a_network_stands_for_its_addresses(address: str, whose: str) -> None:
    """A machine has as many of the newer kind as it likes."""
    assert whence(address) == whose
