"""A folder that `init` has made."""

from pathlib import Path

import pytest

from sync_server.folder import Settings, create
from tests.sync_server.office import NOON_US


@pytest.fixture
def initialised(tmp_path: Path) -> Path:
    """The server's folder; no server runs."""
    settings = Settings("Acme", "https://localhost:4747", "127.0.0.1", 0, "")
    return create(tmp_path / "server", settings, "UTC", NOON_US)[0].path
