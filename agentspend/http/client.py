"""The way out: one request to one origin, on a connection of aiohttp's connector.

The connector resolves names, opens and keeps connections, and goes through TLS and proxies; what is
said on them is ours (`response`).
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakSet

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from agentspend.http.head import head_bytes, written
from agentspend.http.response import NotHttp, Response, Talk

KEEPALIVE_S = 30
_PROXY_AUTH = "Proxy-Authorization"
_AUTH = "Authorization"


class ConnectTimeout(TimeoutError):
    """No connection came about in time."""


@dataclass(slots=True)
class Origin:
    """A provider's address, and how to get there: the proxy between, and whom TLS trusts."""

    url: URL
    proxy: URL | None = None
    tls: ssl.SSLContext | bool = True
    _key: aiohttp.ClientRequest | None = field(default=None, init=False)

    def key(self, loop: asyncio.AbstractEventLoop) -> aiohttp.ClientRequest:
        """What aiohttp's connector knows an origin by. Raises `aiohttp.InvalidURL`."""
        if self._key is None:
            self._key = aiohttp.ClientRequest(
                "GET", self.url, proxy=self.proxy, ssl=self.tls, loop=loop
            )
        return self._key


class Client:
    """Keeps the connections to every origin. Close it in the loop it was used in."""

    def __init__(self, connect_s: float, silence_s: float) -> None:
        self._connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S)
        self._timeout = aiohttp.ClientTimeout(connect=connect_s, sock_connect=connect_s)
        self._silence_s = silence_s
        self._used: WeakSet[asyncio.BaseProtocol] = WeakSet()

    async def close(self) -> None:
        """Close every connection."""
        await self._connector.close()

    async def send(
        self, origin: Origin, method: str, target: str, headers: CIMultiDict[str],
        body: bytes | None, leaving: Callable[[], None],
    ) -> Response:  # fmt: skip
        """Send one request, and return as soon as the answer's head is here.

        `target` is its path and query; `leaving` is called before the first byte goes. Raises
        `aiohttp.ClientError`, `OSError` (`Cut` among them) and `TimeoutError` (`ConnectTimeout`
        before anything left).
        """
        key = origin.key(asyncio.get_running_loop())
        talk = Talk(await self._connect(key), self._silence_s)
        try:
            head = _head(key, method, target, headers, body)
            leaving()
            talk.say(head, body or b"")
            return await talk.response
        except BaseException:
            talk.close()
            raise

    async def _connect(self, key: aiohttp.ClientRequest) -> "aiohttp.connector.Connection":
        """A connection on which nothing is under way; a kept one where a stray byte came is closed.

        Raises `NotHttp` where somebody speaks before he is asked.
        """
        while True:
            try:
                connection = await self._connector.connect(key, [], self._timeout)
            except TimeoutError as error:
                raise ConnectTimeout(str(error)) from error
            protocol, transport = connection.protocol, connection.transport
            assert protocol is not None
            if transport is not None and not protocol.should_close:
                self._used.add(protocol)
                return connection
            connection.close()
            if protocol not in self._used:
                raise NotHttp("it spoke first, or closed at once")


def _head(
    key: aiohttp.ClientRequest, method: str, target: str, headers: CIMultiDict[str],
    body: bytes | None,
) -> bytes:  # fmt: skip
    path, gap, query = target.partition("?")
    target = written(path) + gap + query
    lines = [("Host", key.headers["Host"]), *headers.items()]
    if body is not None or method != "GET":
        lines.append(("Content-Length", str(len(body or b""))))
    if _AUTH in key.headers and _AUTH not in headers:
        lines.append((_AUTH, key.headers[_AUTH]))
    if key.proxy is not None and not key.is_ssl():
        target = str(key.url.origin()) + target
        if _PROXY_AUTH in key.headers:
            lines.append((_PROXY_AUTH, key.headers[_PROXY_AUTH]))
    return head_bytes(f"{method} {target} HTTP/1.1", lines)
