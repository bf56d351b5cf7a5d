"""The service over a server's folder, for as long as somebody has it open; one at a time.

Here the database and everything the server knows are loaded: what only asks a running server
stays away from it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from agentspend.core.errors import AgentspendError
from sync_server import certificate
from sync_server.acts.act import Address
from sync_server.allowance.sizing import Sizing
from sync_server.folder import Folder, Settings
from sync_server.journal_file import JournalFile
from sync_server.service import Service
from sync_server.store import opening, people

ORG = "org"


@contextmanager
def opened(folder: Folder, new_in_zone: str = "") -> Iterator[Service]:
    """The service over a folder, up to date with its journal.

    `new_in_zone` makes the organisation first, its calendar in this zone.
    """
    settings = folder.settings()
    engine = opening.open_engine(_database(folder, settings))
    journal = None
    try:
        if engine.dialect.name == "sqlite":
            journal = JournalFile(folder.path / "journal")
        opening.migrate(engine)
        if new_in_zone:
            _begin_org(engine, settings.name, new_in_zone)
        private = bytes.fromhex((folder.path / "signing.key").read_text("ascii").strip())
        service = Service(
            engine, ORG, private, Sizing(), journal,
            entries_per_day=settings.entries_per_day, watches_clock=True,
        )  # fmt: skip
        service.catch_up()
        yield service
    finally:
        engine.dispose()
        if journal is not None:
            journal.close()


@contextmanager
def alone(folder: Folder) -> Iterator[None]:
    """Nobody serves a folder meanwhile. Raises `AgentspendError` when somebody does."""
    journal = JournalFile(folder.path / "journal")
    try:
        yield
    finally:
        journal.close()


def address_of(folder: Folder) -> Address:
    """How devices reach the server, with the pin where the certificate is its own."""
    settings = folder.settings()
    if not settings.certificate:
        return Address(settings.url)
    return Address(settings.url, certificate.pin(folder.path / settings.certificate))


def _database(folder: Folder, settings: Settings) -> str:
    if not settings.database:
        return f"sqlite:///{folder.path / 'server.db'}"
    return settings.database.replace("postgresql://", "postgresql+psycopg://", 1)


def _begin_org(engine: Engine, name: str, zone: str) -> None:
    with engine.begin() as conn:
        if people.has_org(conn, ORG):
            raise AgentspendError(
                "there is an organisation in this database already",
                "a second server needs a copy of the first one's folder, not a new one",
            )
        people.add_org(conn, ORG, name, zone)
