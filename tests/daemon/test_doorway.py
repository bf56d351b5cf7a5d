"""Agents in containers: a second address and its names, only where they are configured."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from agentspend.daemon import doorway
from agentspend.daemon.doorway import Doorway, free_port_after, host_of
from tests.daemon.helpers import KEY, ask, set_port
from tests.support.ports import free_port
from tests.support.process import ROOT, Home

CLIENT = ROOT / "tests/daemon/key_client.py"
SECOND = "127.0.0.2"
"""Another address of this machine, as a container network's is."""
NAMES = f'listen = "{SECOND}"\nhosts = ["host.docker.internal"]\n'


def configure(home: Home, lines: str) -> int:
    """Put lines into `[daemon]`, with a port that stays; returns the port."""
    port = free_port()
    set_port(home, port)
    home.config.write_text(home.config.read_text().replace("[daemon]\n", f"[daemon]\n{lines}"))
    return port


def knock(url: str, host: str = "", key: str = "") -> Any:
    """A request as an agent in a container sends it; its status and body."""
    body = {"model": "claude-opus-5", "max_tokens": 50, "messages": [{"role": "user",
            "content": "hi"}]}  # fmt: skip
    headers = {"content-type": "application/json", "x-api-key": key}
    headers |= {"host": host} if host else {}
    asked = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def reachable(address: str, port: int) -> bool:
    """Whether anybody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def test_an_agent_in_a_container_comes_in_with_a_virtual_key(home: Home) -> None:
    """The recipe of docs/containers.md: by the address and by the name, never without the key."""
    port = configure(home, NAMES)
    home.run("daemon", "start", AGENTSPEND_ANTHROPIC_KEY=KEY)
    made = home.run("key", "create", "--alias", "box", "--json")
    assert made.returncode == 0, made.stderr
    token = json.loads(made.stdout)["token"]
    url, name = f"http://{SECOND}:{port}", f"host.docker.internal:{port}"

    assert knock(f"{url}/k/{token}")[0] == 200
    assert knock(f"{url}/k/{token}", name)[0] == 200
    assert knock(url, name, token)[0] == 200
    assert knock(f"{url}/k/{token}", f"evil.example:{port}")[0] == 403
    assert knock(f"{url}/k/as_wrong", name)[0] in (400, 402)
    assert knock(url, name)[0] == 404
    charged = [entry for entry in home.json("log") if entry["kind"] == "settle"]
    assert [entry["key"] for entry in charged] == ["box"] * 3
    assert f"http://host.docker.internal:{port}/k/VIRTUAL_KEY" in home.run("doctor").stdout


def test_nobody_listens_beyond_loopback_by_default(home: Home) -> None:
    """Neither on another loopback address nor on the network's."""
    port = configure(home, "")
    home.run("daemon", "start")

    assert reachable("127.0.0.1", port)
    assert not reachable(SECOND, port)
    assert knock(f"http://127.0.0.1:{port}", f"host.docker.internal:{port}")[0] == 403


def test_an_address_that_is_not_there_keeps_nobody_else_out(home: Home) -> None:
    """`run` works on loopback; `doctor` names the address and what is wrong with it."""
    configure(home, 'listen = "192.0.2.77"\n')
    done = home.run("run", "--", "echo", "works")

    assert done.stdout == "works\n"
    assert ask(home, "ping")["listen_error"]
    told = home.run("doctor").stdout
    assert "containers cannot come in: 192.0.2.77 cannot be listened on" in told
    home.config.write_text(home.config.read_text().replace("192.0.2.77", SECOND))
    assert "agentspend daemon restart" in home.run("doctor").stdout


@pytest.fixture
def box() -> Iterator[tuple[str, str]]:
    """A network of its own, as a container has it, and the host's address on the bridge to it."""
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("needs root and iproute2 to make a network")
    name, host = f"as{os.getpid()}", "172.31.77.1"
    lines = (
        f"netns add {name}",
        f"link add {name} type veth peer name b{os.getpid()} netns {name}",
        f"addr add {host}/24 dev {name}",
        f"link set {name} up",
        f"-n {name} addr add 172.31.77.2/24 dev b{os.getpid()}",
        f"-n {name} link set b{os.getpid()} up",
    )
    try:
        for line in lines:
            done = subprocess.run(["ip", *line.split()], capture_output=True, check=False)
            if done.returncode:
                pytest.skip(f"no network can be made here: {done.stderr.decode()}")
        yield name, host
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", name], capture_output=True, check=False)


def test_from_another_network_only_the_configured_address_answers(
    home: Home, box: tuple[str, str]
) -> None:
    """A client in a namespace: with its key it comes in, and nobody takes it for a process here."""
    name, host = box
    port = configure(home, f'listen = "{host}"\n')
    home.run("daemon", "start", AGENTSPEND_ANTHROPIC_KEY=KEY)
    url = json.loads(home.run("key", "create", "--alias", "box", "--json").stdout)["base_url"]
    client = ["ip", "netns", "exec", name, sys.executable, str(CLIENT)]
    asked = [*client, url.replace("127.0.0.1", host)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == [200]
    [line] = home.json("status")["sessions"]
    assert (line["id"], line["pid"]) == ("box", 0)
    assert f"http://{host}:{port}/k/VIRTUAL_KEY" in home.run("doctor").stdout


class Shy:
    """A proxy whose second address comes up after some tries."""

    port = 4141

    def __init__(self, fails: int) -> None:
        self.fails = fails
        self.tries: list[str] = []

    async def listen_also(self, address: str) -> None:
        """As the proxy's."""
        self.tries.append(address)
        if len(self.tries) <= self.fails:
            raise OSError(99, "Cannot assign requested address")


async def test_it_is_tried_again_until_the_address_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container network may come up after the daemon."""
    monkeypatch.setattr(doorway, "TRY_AGAIN_S", 0)
    proxy: Any = Shy(fails=3)
    door = Doorway(proxy, "172.17.0.1")

    assert not await door.open()
    assert door.error == "Cannot assign requested address"
    await door.keep_trying()
    assert (door.error, len(proxy.tries)) == ("", 4)
    none = Doorway(proxy, "")
    assert await none.open()
    assert len(proxy.tries) == 4


def test_an_address_as_clients_write_it() -> None:
    """IPv6 stands in brackets in a `Host` header."""
    assert (host_of("172.17.0.1"), host_of("fd00::1")) == ("172.17.0.1", "[fd00::1]")


def test_the_port_that_is_suggested_can_be_had() -> None:
    """A next port that is taken, too, would be bad advice (another person's second try)."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = free_port_after(port - 1)
        assert found != port
        assert found > 1_023
    assert free_port_after(65_535) == 0
