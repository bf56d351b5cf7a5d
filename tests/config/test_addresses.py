"""Upstreams and proxies that cannot be meant are refused before anything is sent to them."""

import pytest

from agentspend.config.addresses import check_base_url, check_proxy
from agentspend.core.errors import AgentspendError


@pytest.mark.parametrize(
    "url",
    ["https://api.anthropic.com", "https://gateway.corp:8443/anthropic/", "http://127.0.0.1:8080",
     "http://localhost:8080", "http://[::1]:8080", "https://localhost"],
)  # fmt: skip
def test_upstreams_that_can_be(url: str) -> None:
    """TLS anywhere and clear text on loopback are fine."""
    check_base_url(url, 4141)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://gateway.corp", "in clear text"),
        ("http://127.0.0.1.evil.example", "in clear text"),
        ("http://127.0.0.1@evil.example", "in clear text"),
        ("https://:password@host", "holds no login"),
        ("https://user@host", "holds no login"),
        ("https://host#part", "holds no login"),
        ("ftp://host", "is not a web address"),
        ("https://", "is not a web address"),
        ("https://host:0", "is not a web address"),
        ("https://host:port", "is not a web address"),
        ("//host", "is not a web address"),
        ("", "is not a web address"),
        ("http://127.0.0.1:4141/v1", "round in circles"),
        ("https://localhost:4141", "round in circles"),
    ],
)
def test_upstreams_that_cannot_be(url: str, why: str) -> None:
    """Each is refused with its reason and a way out, and no password is repeated."""
    with pytest.raises(AgentspendError, match=why) as raised:
        check_base_url(url, 4141)
    assert raised.value.hint
    assert "password" not in raised.value.message


def test_default_ports_count_as_well() -> None:
    """A daemon on port 80 is met by a URL that names no port."""
    check_base_url("http://localhost", 4141)
    with pytest.raises(AgentspendError, match="round in circles"):
        check_base_url("http://localhost", 80)


def test_proxies() -> None:
    """An HTTP proxy may have a login; another kind, or a bare host, is told how to be written."""
    check_proxy("http://user:password@proxy.corp:3128")
    check_proxy("https://proxy.corp")
    for url in ("proxy.corp:3128", "socks5://user:password@proxy.corp", "http://["):
        with pytest.raises(AgentspendError, match="is not a proxy") as raised:
            check_proxy(url)
        assert "password" not in raised.value.message
