"""`[network] proxy, ca_file, no_proxy`: through a CONNECT proxy, trusting a private authority."""

import base64
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentspend.config.shape import NetworkSection
from agentspend.proxy.upstream import proxy_for
from agentspend.sandbox.server import Sandbox
from tests.proxy.relay import ConnectProxy, TlsFront
from tests.proxy.test_upstream_failures import not_sent, unused_url
from tests.proxy.tls import Authority
from tests.support.desk import Device, budget, message

NAME = "api.company.example"
URL = f"https://{NAME}"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The company's own certificate authority."""
    return Authority(tmp_path)


@pytest.fixture
async def front(authority: Authority) -> AsyncIterator[TlsFront]:
    """A provider behind TLS that only this authority vouches for."""
    async with Sandbox() as sandbox:
        context = authority.server_context(NAME)
        async with TlsFront(context, sandbox) as found:
            yield found


def device(folder: Path, front: TlsFront, network: NetworkSection | None, url: str = URL) -> Device:
    """A device whose provider is `front`."""
    return Device(
        folder, [budget("daily", "5")], base_url=url, network=network, sandbox=front.sandbox
    )


async def test_through_the_proxy_to_a_provider_with_a_private_certificate(
    tmp_path: Path, authority: Authority, front: TlsFront
) -> None:
    """Streams, counts and lists go through the tunnel; both books agree to the nano-dollar."""
    async with ConnectProxy({f"{NAME}:443": front.port}) as proxy:
        network = NetworkSection(proxy=proxy.url, ca_file=str(authority.ca_file))
        async with device(tmp_path, front, network) as found:
            for stream in (True, False):
                assert (await found.post(message(stream=stream))).status == 200
            async with found.client.get(found.url + "/v1/models") as answer:
                assert answer.status == 200
            await found.until_idle()

            assert await found.spent_nusd() == front.sandbox.bill.total_nusd() > 0
        assert set(proxy.targets) == {f"{NAME}:443"}
        assert "x-api-key" not in proxy.heads[0]
        assert "authorization" not in proxy.heads[0]


async def test_a_proxy_behind_tls_is_trusted_as_a_provider_is(
    tmp_path: Path, authority: Authority
) -> None:
    """Also on the way to a provider in the clear, and only where its authority is trusted."""
    async with Sandbox() as sandbox, TlsFront(authority.server_context(), sandbox) as front:
        proxy = f"https://127.0.0.1:{front.port}"
        for number, ca_file in enumerate(("", str(authority.ca_file))):
            network = NetworkSection(proxy=proxy, ca_file=ca_file)
            (folder := tmp_path / f"{number}").mkdir()
            async with device(folder, front, network, f"http://{NAME}") as found:
                reply = await found.post(message())
                if ca_file:
                    assert reply.status == 200
                else:
                    await not_sent(found, reply, "certificate", "ca_file under [network]")


async def test_a_proxy_that_wants_a_password_gets_it_and_nobody_else_does(
    tmp_path: Path, authority: Authority, front: TlsFront
) -> None:
    """It goes to the proxy; the provider never sees it."""
    basic = "Basic " + base64.b64encode(b"ana:canary").decode()
    async with ConnectProxy({f"{NAME}:443": front.port}, basic) as proxy:
        url = proxy.url.replace("//", "//ana:canary@")
        network = NetworkSection(proxy=url, ca_file=str(authority.ca_file))
        async with device(tmp_path, front, network) as found:
            assert (await found.post(message())).status == 200

    (seen,) = front.sandbox.requests
    assert "proxy-authorization" not in {name.lower() for name in seen.headers}
    assert "canary" not in str(dict(seen.headers))


async def test_a_proxy_that_says_no_is_named_without_its_password(
    tmp_path: Path, authority: Authority, front: TlsFront
) -> None:
    """407 and 403 are the proxy's; nothing left, so nothing is charged."""
    async with ConnectProxy({}, "Basic other") as proxy:
        url = proxy.url.replace("//", "//ana:canary@")
        network = NetworkSection(proxy=url, ca_file=str(authority.ca_file))
        async with device(tmp_path, front, network) as found:
            reply = await found.post(message())

            assert b"canary" not in reply.body
            await not_sent(found, reply, URL, f"the proxy {proxy.url} answered 407")


async def test_a_proxy_that_is_not_there_is_named(tmp_path: Path, front: TlsFront) -> None:
    """Not the provider is blamed, but the way to it."""
    gone = await unused_url()
    network = NetworkSection(proxy=gone.replace("//", "//ana:canary@"))
    async with device(tmp_path, front, network) as found:
        reply = await found.post(message())

        assert b"canary" not in reply.body
        await not_sent(found, reply, f"cannot reach {URL} through the proxy {gone}")


async def test_the_default_trust_store_refuses_a_private_authority(
    tmp_path: Path, front: TlsFront
) -> None:
    """Clearly, and with the setting that would trust it."""
    async with (
        ConnectProxy({f"{NAME}:443": front.port}) as proxy,
        device(tmp_path, front, NetworkSection(proxy=proxy.url)) as found,
    ):
        reply = await found.post(message())

        await not_sent(found, reply, "certificate", "ca_file under [network]")
    assert front.sandbox.requests == []


async def test_a_private_authority_does_not_vouch_for_another_name(
    tmp_path: Path, authority: Authority, front: TlsFront
) -> None:
    """A trusted certificate for one host is no certificate for the next."""
    async with ConnectProxy({"other.example:443": front.port}) as proxy:
        network = NetworkSection(proxy=proxy.url, ca_file=str(authority.ca_file))
        async with device(tmp_path, front, network, "https://other.example") as found:
            await not_sent(found, await found.post(message()), "not valid for 'other.example'")


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_a_ca_file_that_cannot_be_read_is_named(
    tmp_path: Path, front: TlsFront, content: str | None
) -> None:
    """A clear answer, and no hold left behind."""
    path = tmp_path / "company.pem"
    if content is not None:
        path.write_text(content)
    async with device(tmp_path, front, NetworkSection(ca_file=str(path))) as found:
        await not_sent(found, await found.post(message()), "ca_file", str(path))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has 127.0.0.2 only when told so")
async def test_hosts_of_no_proxy_go_direct(tmp_path: Path, authority: Authority) -> None:
    """The proxy is not asked for them."""
    async with (
        Sandbox() as sandbox,
        TlsFront(authority.server_context(), sandbox, "127.0.0.2") as front,
        ConnectProxy({}) as proxy,
    ):
        url = f"https://127.0.0.2:{front.port}"
        for direct in ((), ("127.0.0.2",)):
            network = NetworkSection(
                proxy=proxy.url, ca_file=str(authority.ca_file), no_proxy=direct
            )
            folder = tmp_path / str(len(direct))
            folder.mkdir()
            async with device(folder, front, network, url) as found:
                reply = await found.post(message())

        assert "not valid for '127.0.0.2'" in reply.error["message"]
        assert proxy.targets == [f"127.0.0.2:{front.port}"]


@pytest.mark.parametrize(
    ("host", "direct"),
    [
        ("api.anthropic.com", False),
        ("corp.example", True),
        ("deep.corp.example", True),
        ("notcorp.example", False),
        ("dotted.example", True),
        ("a.dotted.example", True),
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
    ],
)
def test_which_hosts_go_direct(host: str, direct: bool) -> None:
    """Loopback always, and the names of `no_proxy` with all below them."""
    network = NetworkSection(
        proxy="http://proxy.example:3128", no_proxy=("corp.example", ".dotted.example")
    )

    assert (proxy_for(network, host) is None) == direct


async def test_proxy_variables_of_the_environment_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon was started by whoever came first: only the configuration decides."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, await unused_url())
    async with Device(tmp_path, [budget("daily", "5")]) as found:
        assert (await found.post(message())).status == 200
