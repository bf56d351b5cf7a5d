"""One provider for the tests of a file, and for each test a home whose daemon ends with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.helpers import DAILY
from tests.support.process import Home, SandboxProcess


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The sandbox as a process; it records what it was sent."""
    with SandboxProcess(tmp_path_factory.mktemp("provider"), "--record") as sandbox:
        yield sandbox


@pytest.fixture
def home(tmp_path: Path, provider: SandboxProcess) -> Iterator[Home]:
    """A user with a $5.00 day budget and no daemon yet."""
    provider.direct({"default": {}})
    with Home(tmp_path, provider.url, DAILY) as made:
        yield made
