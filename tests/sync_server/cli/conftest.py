"""A folder that `init` has made."""

import time
from pathlib import Path

import pytest

from sync_server.folder import Settings
from sync_server.founding import create


@pytest.fixture
def initialised(tmp_path: Path) -> Path:
    """The server's folder; no server runs."""
    settings = Settings("Acme", "https://localhost:4747", "127.0.0.1", 0, "")
    return create(tmp_path / "server", settings, "UTC", time.time_ns() // 1_000)[0].path
