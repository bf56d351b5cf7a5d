"""A real server over a real SQLite file: one team, one pool, one enrolled device."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync_server.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A server that has just been set up."""
    made = Office(tmp_path)
    yield made
    made.close()
