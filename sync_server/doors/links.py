"""Who is slow, or many, at the doors: a head and a body take only so long, and an address has only
so many connections. What was cut off comes again, so nothing but time is lost."""

import asyncio
import resource
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from sync_server.folder import is_loopback

MOST_FILES = 65_536


@dataclass(frozen=True, slots=True)
class Patience:
    """Within `head_s` a request's head must be there, counted from the connection or from the last
    answer: longer than a proxy or one of our devices keeps an idle connection. Within `body_s` its
    body: three times as long as a device waits for the whole answer. `links` is how many
    connections an address may have: every device of an office behind one address holds one or
    two; 0 is any number."""

    head_s: float = 75.0
    body_s: float = 30.0
    links: int = 2_000


PATIENCE: web.AppKey[Patience] = web.AppKey("patience", Patience)


async def body_of(request: web.Request) -> bytes:
    """A request's body. Raises `HTTPRequestTimeout` where it does not come."""
    within_s = request.app[PATIENCE].body_s
    try:
        async with asyncio.timeout(within_s):
            return await request.read()
    except TimeoutError:
        why = f"the request was not there whole within {within_s:g} s"
        raise web.HTTPRequestTimeout(reason=why) from None


def whence(address: str) -> str:
    """Whose an address is, as far as it can be told apart: of the newer kind everybody has more
    than can be counted, so that the network stands for them."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return address if found.is_loopback else str(ip_network((found, 64), strict=False))


class Links:
    """The open connections of each address. Those from this machine are not counted: a proxy's, or
    its owner's."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._whose: dict[RequestHandler, str] = {}
        self._open: Counter[str] = Counter()

    def watch(self, server: web.Server) -> None:
        """Hang up on whoever has too many. aiohttp knows no such bound; each connection of a
        server begins and ends by these two."""
        began, ended = server.connection_made, server.connection_lost

        def connection_made(handler: RequestHandler, transport: asyncio.Transport) -> None:
            began(handler, transport)
            if not self.comes(handler, transport.get_extra_info("peername")):
                transport.abort()
                handler.force_close()

        def connection_lost(handler: RequestHandler, exc: BaseException | None = None) -> None:
            ended(handler, exc)
            self.goes(handler)

        server.connection_made = connection_made  # type: ignore[method-assign]
        server.connection_lost = connection_lost  # type: ignore[method-assign]

    def comes(self, handler: RequestHandler, peer: object) -> bool:
        """One more connection; False where its address has too many."""
        address = whence(peer[0]) if isinstance(peer, tuple) else "localhost"
        if is_loopback(address):
            return True
        self._whose[handler] = address
        self._open[address] += 1
        return not 0 < self._most < self._open[address]

    def goes(self, handler: RequestHandler) -> None:
        """A connection has ended."""
        address = self._whose.pop(handler, None)
        if address is not None:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]


def raise_file_limit() -> None:
    """Each connection is an open file: as many as the system lets us have, within reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
