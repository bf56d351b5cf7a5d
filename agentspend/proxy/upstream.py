"""The connection to the provider: one allowed origin each, no redirects, no environment proxies.

Foreign errors become `Unreachable` here; `sent` says whether the provider may have seen (and may
bill) the request.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import truststore
from multidict import CIMultiDict

from agentspend.core.limits import COUNT_TIMEOUT_S, MAX_SSE_EVENT_BYTES

CONNECT_TIMEOUT_S = 15
SILENCE_TIMEOUT_S = 600


class Unreachable(Exception):
    """The provider gave no answer. `sent` is True unless nothing can have left this machine."""

    def __init__(self, message: str, *, sent: bool, timed_out: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Network:
    """`[network]`: a CONNECT proxy, a private CA bundle, hosts that go direct."""

    proxy: str = ""
    ca_file: str = ""
    no_proxy: tuple[str, ...] = ()

    def proxy_for(self, host: str) -> str | None:
        """The proxy for a host; loopback and `no_proxy` names go direct."""
        direct = host in ("127.0.0.1", "localhost", "::1") or any(
            host == name.lstrip(".") or host.endswith("." + name.lstrip("."))
            for name in self.no_proxy
        )
        return None if direct or not self.proxy else self.proxy

    def tls(self) -> ssl.SSLContext:
        """The machine's trust store, plus the private CA when one is set."""
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca_file:
            context.load_verify_locations(cafile=self.ca_file)
        return context


class Upstream:
    """Sends requests to the origins in the configuration, and nowhere else."""

    def __init__(self, origins: Mapping[str, str], network: Network) -> None:
        self._origins = dict(origins)
        self._network = network
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def base_url(self, provider: str) -> str:
        """Where a provider's requests go."""
        return self._origins[provider]

    async def send(
        self, provider: str, method: str, path: str, headers: CIMultiDict[str], body: bytes | None
    ) -> aiohttp.ClientResponse:
        """Send one request and return as soon as the answer's headers are here."""
        base = self._origins[provider]
        parts = urlsplit(base)
        tls: ssl.SSLContext | bool = self._tls_context() if parts.scheme == "https" else True
        try:
            return await self._client().request(
                method,
                base.rstrip("/") + path,
                headers=headers,
                data=body,
                allow_redirects=False,
                proxy=self._network.proxy_for(parts.hostname or ""),
                ssl=tls,
            )
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"cannot reach {base}: {_reason(error)}", sent=False) from error
        except aiohttp.ConnectionTimeoutError as error:
            raise Unreachable(
                f"no connection to {base} within {CONNECT_TIMEOUT_S} s", sent=False, timed_out=True
            ) from error
        except (aiohttp.ClientHttpProxyError, aiohttp.InvalidURL) as error:
            raise Unreachable(f"cannot reach {base}: {_reason(error)}", sent=False) from error
        except TimeoutError as error:
            raise Unreachable(f"{base} gave no answer", sent=True, timed_out=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(
                f"{base} broke the connection: {_reason(error)}", sent=True
            ) from error

    async def fetch(
        self, provider: str, path: str, headers: CIMultiDict[str], body: bytes
    ) -> bytes | None:
        """A small free call (count_tokens); None when it fails for any reason."""
        try:
            async with asyncio.timeout(COUNT_TIMEOUT_S):
                response = await self.send(provider, "POST", path, headers, body)
                async with response:
                    return await response.read() if response.status == 200 else None
        except (Unreachable, TimeoutError, aiohttp.ClientError):
            return None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S
                ),
                auto_decompress=False,
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=256 * 1024,
                max_line_size=MAX_SSE_EVENT_BYTES,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._session

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = self._network.tls()
        return self._tls


def _reason(error: BaseException) -> str:
    """An error's own words without the request in it."""
    inner = getattr(error, "os_error", None) or error
    return str(inner.strerror if isinstance(inner, OSError) and inner.strerror else inner)[:200]
