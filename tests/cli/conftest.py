"""A user's home with a real daemon and a provider, shared by the tests of one file."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentspend.__main__ import main
from agentspend.control import client
from tests.support.process import Home, SandboxProcess

PYTHON = str(Path(sys.executable).with_name("python"))
SPEND = Path(__file__).with_name("spend.py")
KEY = "sk-ant-api03-canary-4711"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON line it said on stdout."""
        assert self.code == 0, self.err
        return json.loads(self.out)


Command = Callable[..., Ran]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The sandbox, as the provider."""
    with SandboxProcess(tmp_path_factory.mktemp("provider")) as found:
        yield found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, provider: SandboxProcess) -> Iterator[Home]:
    """A home whose daemon starts when a test needs it."""
    with Home(tmp_path_factory.mktemp("home"), provider.url, AGENTSPEND_ANTHROPIC_KEY=KEY) as found:
        yield found


@pytest.fixture
def here(house: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The shared home, as this process's own."""
    settle(monkeypatch, house)
    return house


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home of this test's own, without a provider."""
    with Home(tmp_path, AGENTSPEND_ANTHROPIC_KEY=KEY) as found:
        settle(monkeypatch, found)
        yield found


@pytest.fixture
def agentspend(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process, the way the program does; what it says is the same however
    long a busy machine lets it wait for its daemon."""
    monkeypatch.setattr(client, "SAID_AFTER_S", client.TIMEOUT_S)

    def run(*words: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["agentspend", *words])
        capsys.readouterr()
        try:
            code = main()
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        said = capsys.readouterr()
        return Ran(int(code), said.out, said.err)

    return run


def settle(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    """Live in this home."""
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    for name in ("ANTHROPIC_API_KEY", "XDG_RUNTIME_DIR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(home.user)


def spend(home: Home, *orders: dict[str, Any], words: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """A session that sends these requests; what came back of each."""
    sent = [json.dumps(order) for order in orders or ({},)]
    done = home.run("run", *words, "--", PYTHON, str(SPEND), *sent)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
