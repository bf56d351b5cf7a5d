"""Which addresses requests may be sent to: checked before they are ever used. Pure."""

from urllib.parse import SplitResult, urlsplit

from agentspend.core.errors import AgentspendError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
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
