"""A real server over a real SQLite file: one team, one pool, one enrolled device."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.sync_server.house import House, house_in
from tests.sync_server.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A server that has just been set up."""
    made = Office(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A server that serves over TLS, with a lead's token."""
    async with house_in(tmp_path) as made:
        yield made
