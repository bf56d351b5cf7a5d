"""The connection to the provider: one allowed origin each, no redirects, no environment proxies.

Foreign errors become `Unreachable` here; `Departure` says whether the provider may have seen (and
may bill) the request.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

import aiohttp
import truststore
from multidict import CIMultiDict
from yarl import URL

from agentspend.config.providers import Provider
from agentspend.config.shape import NetworkSection
from agentspend.core.limits import COUNT_TIMEOUT_S, MAX_METERED_JSON_BYTES
from agentspend.dialects.base import Dialect
from agentspend.dialects.names import ANTHROPIC, CODE_ASSIST
from agentspend.http.client import Client, ConnectTimeout, Origin
from agentspend.http.incoming import TooLarge
from agentspend.http.response import NotHttp, Response

CONNECT_TIMEOUT_S = 15
SILENCE_TIMEOUT_S = 600
CODE_ASSIST_WAY = f"google/{CODE_ASSIST}"
LOGIN = ".login"
"""Behind a provider's name: the address that only a subscription's login opens."""
_VERSION = re.compile(r"/v\d+[a-z0-9]*(?=/|$)")
_OWN_VERSION = re.compile(r"^/v1(?:beta)?(?=/)")


class Unreachable(Exception):
    """The provider gave no answer; the message says why."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


@dataclass(slots=True)
class Departure:
    """Whether a byte of one request may have left this machine, so that it may be billed."""

    left: bool = False

    def leave(self) -> None:
        """The first byte goes now."""
        self.left = True


def proxy_for(network: NetworkSection, host: str) -> str | None:
    """The proxy for a host; loopback and `no_proxy` names go direct."""
    direct = host in ("127.0.0.1", "localhost", "::1") or any(
        host == name.lstrip(".") or host.endswith("." + name.lstrip("."))
        for name in network.no_proxy
    )
    return None if direct or not network.proxy else network.proxy


def tls_context(network: NetworkSection) -> ssl.SSLContext:
    """The machine's trust store, plus the private CA when one is set."""
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if network.ca_file:
        context.load_verify_locations(cafile=network.ca_file)
    return context


@lru_cache(1_024)
def joined(base: str, path: str, dialect: str) -> str:
    """The URL of one API's path under a base URL that may already hold the version.

    OpenAI's clients take a base URL with the version in it, wherever it stands
    (`…/api/paas/v4`, `…/v1beta/openai`); Anthropic's add `/v1` to whatever does not end in one.
    """
    bare = base.rstrip("/")
    versions = _VERSION.finditer(urlsplit(bare).path)
    ends = [found.end() for found in versions]
    whole = len(urlsplit(bare).path)
    if ends and (dialect != ANTHROPIC or ends[-1] == whole):
        path = _OWN_VERSION.sub("", path)
    return bare + path


def origins_of(providers: Mapping[str, Provider]) -> dict[str, str]:
    """Every address that requests may go to, by the name of the way there."""
    found = {
        f"{name}/{dialect}": each.url(dialect)
        for name, each in providers.items()
        for dialect in each.dialects
    }
    logins = {name: each.login_base_url for name, each in providers.items()}
    found |= {f"{name}{LOGIN}": url for name, url in logins.items() if url}
    google = providers.get("google")
    return found | ({CODE_ASSIST_WAY: google.login_base_url} if google else {})


def way_to(dialect: Dialect) -> str:
    """The name of the usual way to a provider, by one of its APIs."""
    return f"{dialect.provider}/{dialect.name}"


class Upstream:
    """Sends requests to the origins in the configuration, and nowhere else."""

    def __init__(self, origins: Mapping[str, str], network: NetworkSection) -> None:
        """`origins` are addresses by the name of the way there, as `origins_of` makes them."""
        self._addresses = dict(origins)
        self._network = network
        self._client: Client | None = None
        self._origins: dict[str, Origin] = {}
        self._tls: ssl.SSLContext | None = None

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def base_url(self, way: str) -> str:
        """Where requests go on this way."""
        return self._addresses[way]

    async def send(
        self,
        way: str,
        method: str,
        path: str,
        headers: CIMultiDict[str],
        body: bytes | None,
        departure: Departure | None = None,
    ) -> Response:
        """Send one request and return as soon as the answer's headers are here.

        `departure` is marked before the first byte goes. Raises `Unreachable`.
        """
        base = self._addresses[way]
        origin = self._origin(base)
        whole = joined(base, path, way.partition("/")[2])
        target = whole[whole.index("/", whole.index("://") + 3) :]
        if self._client is None:
            self._client = Client(CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S)
        leaving = (departure or Departure()).leave
        try:
            return await self._client.send(origin, method, target, headers, body, leaving)
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(error, shown(base), shown(str(origin.proxy or ""))) from error

    async def fetch(
        self, way: str, path: str, headers: CIMultiDict[str], body: bytes
    ) -> bytes | None:
        """A small free call (count_tokens); None when it fails for any reason."""
        try:
            async with asyncio.timeout(COUNT_TIMEOUT_S):
                response = await self.send(way, "POST", path, headers, body)
                async with response:
                    if response.status != 200:
                        return None
                    return await response.content.read(MAX_METERED_JSON_BYTES)
        except (Unreachable, OSError, TooLarge):
            return None

    def _origin(self, base: str) -> Origin:
        """How to get to an address. Raises `Unreachable` for a `ca_file` that cannot be used."""
        if base not in self._origins:
            parts = urlsplit(base)
            proxy = proxy_for(self._network, parts.hostname or "")
            secret = "https" in (parts.scheme, urlsplit(proxy or "").scheme)
            tls = self._tls_context() if secret else True
            there = URL(base, encoded=True)
            self._origins[base] = Origin(there, URL(proxy) if proxy else None, tls)
        return self._origins[base]

    def _tls_context(self) -> ssl.SSLContext:
        """Raises `Unreachable` for a `ca_file` that cannot be used."""
        if self._tls is None:
            try:
                self._tls = tls_context(self._network)
            except OSError as error:
                where = f"ca_file {self._network.ca_file} under [network] in config.toml"
                raise Unreachable(f"{where} cannot be used: {_reason(error)}") from error
        return self._tls


def shown(url: str) -> str:
    """A URL's scheme, host and port: what people may see of it, never its user or password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _unreachable(error: Exception, base: str, proxy: str) -> Unreachable:
    """A foreign error in our words, with the way out where there is one."""
    match error:
        case aiohttp.ClientProxyConnectionError():
            return Unreachable(f"cannot reach {base} through the proxy {proxy}: {_reason(error)}")
        case aiohttp.ClientHttpProxyError():
            return Unreachable(f"cannot reach {base}: the proxy {proxy} answered {error.status}")
        case aiohttp.ClientConnectorCertificateError():
            return Unreachable(
                f"cannot reach {base}: {_reason(error)}; the certificate of a company's own"
                " authority is trusted with ca_file under [network] in config.toml"
            )
        case aiohttp.ClientConnectorError() | aiohttp.InvalidURL():
            return Unreachable(f"cannot reach {base}: {_reason(error)}")
        case ConnectTimeout():
            text = f"no connection to {base} within {CONNECT_TIMEOUT_S} s"
            return Unreachable(text, timed_out=True)
        case TimeoutError():
            return Unreachable(f"{base} gave no answer", timed_out=True)
        case NotHttp():
            return Unreachable(f"{base} broke the connection: its answer is not HTTP")
    return Unreachable(f"{base} broke the connection: {_reason(error)}")


def _reason(error: BaseException) -> str:
    """An error's own words without the request in it."""
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    return str(inner.strerror if isinstance(inner, OSError) and inner.strerror else inner)[:200]
