"""A journal that is not this database's is never believed."""

import shutil
from pathlib import Path

import pytest

from agentspend.core.errors import AgentspendError
from tests.sync_server.made import Chain
from tests.sync_server.office import Office, needs


def test_a_foreign_journal_is_not_believed(office: Office) -> None:
    """One that ends before the database does is not its journal."""
    office.sync(Chain(), needs("org", 60))
    office.close()
    (office.folder / "journal").write_bytes(b"")
    office.start()
    with pytest.raises(AgentspendError, match="journal ends at 0"):
        office.service.catch_up()


def test_a_foreign_journal_that_is_long_enough_is_not_believed(
    office: Office, tmp_path: Path
) -> None:
    """Its lines are other decisions: the grants that were made here are not in it."""
    office.sync(Chain(), needs("org", 60))
    office.close()
    (tmp_path / "other").mkdir()
    other = Office(tmp_path / "other")
    other.sync(Chain(), needs("org", 170))
    other.sync(Chain(), needs("org", 180))
    other.close()
    shutil.copy(other.folder / "journal", office.folder / "journal")
    office.start()
    with pytest.raises(AgentspendError, match="says something else"):
        office.service.catch_up()
