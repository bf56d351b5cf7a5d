"""Real binaries against the sandbox provider; skipped only where a binary is missing."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.real import why_missing
from tests.e2e.long import SHORT
from tests.e2e.terminal import Terminal
from tests.e2e.world import World
from tests.support.process import AGENTS

CLAUDE = AGENTS / "claude"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what cannot run here, and say why; mark what is left to `make agents`."""
    for item in items:
        if "tests/e2e/" in item.nodeid and not SHORT.search(item.nodeid):
            item.add_marker(pytest.mark.long)
        agent = item.get_closest_marker("agent")
        if agent is not None and not agent.args and not CLAUDE.exists():
            item.add_marker(pytest.mark.skip("no Claude Code: scripts/install_test_agents.sh"))
        elif agent is not None and agent.args and why_missing(agent.args[0]):
            item.add_marker(pytest.mark.skip(why_missing(agent.args[0])))
        if "terminal" in getattr(item, "fixturenames", ()) and shutil.which("tmux") is None:
            item.add_marker(pytest.mark.skip("no tmux on this machine"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder of its own: sockets have short names."""
    with tempfile.TemporaryDirectory(prefix="as-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """A person's machine without a budget, and a provider."""
    with World(folder) as found:
        yield found


@pytest.fixture
def terminal(world: World, folder: Path) -> Iterator[Terminal]:
    """A terminal in the work folder of `world`."""
    with Terminal(folder / "tmux.sock", world.work) as found:
        yield found
