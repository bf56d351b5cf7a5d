"""Which addresses requests may be sent to: checked before they are ever used. Pure."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from agentspend.core.errors import AgentspendError

LOOPBACK_ADDRESS = "127.0.0.1"
"""Where the daemon always listens."""
LOOPBACK = (LOOPBACK_ADDRESS, "localhost", "::1")
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:]+\]")
PORTS = {"http": 80, "https": 443}


def check_base_url(url: str, own_port: int) -> None:
    """Refuse an upstream that cannot be meant: clear text off loopback, a login in it, ourselves.

    `own_port` is the daemon's, 0 while it is not known.
    """
    parts = _split(url, "a web address", "https://host")
    local = parts.hostname in LOOPBACK
    if parts.scheme == "http" and not local:
        raise AgentspendError(
            f"{parts.hostname} would get your key in clear text", f'use "https://{parts.netloc}"'
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise AgentspendError("a base URL holds no login, query or fragment", "leave them out")
    if local and own_port and (parts.port or PORTS[parts.scheme]) == own_port:
        raise AgentspendError(
            f"port {own_port} is where this daemon itself listens: requests would go round in"
            " circles",
            'name the provider, such as "https://api.anthropic.com"',
        )


def check_listen(address: str) -> None:
    """Refuse a second address to listen on that is no single, private one of this machine.

    What comes there is not encrypted, and every address at once would be the whole network's.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise AgentspendError(
            f"{address!r} is not an IP address", 'write it like listen = "172.17.0.1"'
        ) from None
    if found.is_unspecified or found.is_multicast:
        raise AgentspendError(
            f"{address} is every network's, not one address of this machine",
            'name the one that containers reach, such as listen = "172.17.0.1"',
        )
    if found.is_global:
        raise AgentspendError(
            f"{address} is a public address, and requests would travel there in clear text",
            'name a private one, such as listen = "172.17.0.1"',
        )


def check_host(name: str) -> None:
    """Refuse what can be no `Host` of ours: a name or address alone, without a port or a star."""
    if not _HOST.fullmatch(name):
        raise AgentspendError(
            f"{name!r} is not a host name", 'write it like hosts = ["host.docker.internal"]'
        )


def check_proxy(url: str) -> None:
    """Refuse a way out that is no HTTP proxy."""
    _split(url, "a proxy", "http://proxy.corp:3128")


def _split(url: str, what: str, like: str) -> SplitResult:
    """The parts of an http or https URL with a host and a port that can be."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise AgentspendError(f"{_without_login(url)!r} is not {what}", f'write it like "{like}"')
    return parts


def _without_login(url: str) -> str:
    """The URL as it may be shown: what stands before an @ can be a password."""
    return url.rpartition("@")[2]
