"""Proxy variables: the agent must reach the daemon on loopback without its company's proxy."""

from collections.abc import Mapping

LOOPBACK = ("127.0.0.1", "localhost")
PROXY_VARIABLES = (
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
)


def with_loopback(value: str) -> str:
    """A NO_PROXY list that spares loopback, with what it already held in front."""
    hosts = [host.strip() for host in value.split(",") if host.strip()]
    if "*" in hosts:
        return value
    return ",".join(hosts + [host for host in LOOPBACK if host not in hosts])


def spares_loopback(value: str) -> bool:
    """Whether requests to 127.0.0.1 stay clear of the proxy."""
    hosts = {host.strip() for host in value.split(",")}
    return bool(hosts & {"*", "127.0.0.1"})


def no_proxy_variables(env: Mapping[str, str]) -> dict[str, str]:
    """Both spellings with loopback added: programs differ in which one they read first."""
    lower, upper = env.get("no_proxy", ""), env.get("NO_PROXY", "")
    return {
        "NO_PROXY": with_loopback(upper or lower),
        "no_proxy": with_loopback(lower or upper),
    }
