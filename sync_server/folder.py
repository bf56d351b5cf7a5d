"""The server's folder: its settings, database, journal, keys and certificate, for its owner only.

`server.toml` is written by `init` and may be edited; whatever else is in the folder is the
server's own.
"""

import json
import os
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from sqlalchemy import Engine

from agentspend.core.errors import AgentspendError, ConfigError
from sync_server import certificate
from sync_server.acts.act import Address, Caller, Done, Moment, Role
from sync_server.acts.tokens import New, made
from sync_server.allowance.sizing import Sizing
from sync_server.journal_file import JournalFile
from sync_server.service import Service
from sync_server.store import opening, people

SETTINGS = "server.toml"
SOCKET = "admin.sock"
ORG = "org"
_FIELDS = {"name": str, "url": str, "listen": str, "port": int, "database": str,
           "certificate": str, "key": str}  # fmt: skip
_BOUNDS = {"connections_per_address": int, "entries_per_day": int}
"""Those that `init` leaves out: they are as they should be for nearly everybody."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `server.toml` says. `certificate` and `key` "" is plain http, on this machine only; of
    `connections_per_address` and of one device's `entries_per_day` 0 is any number."""

    name: str
    url: str
    listen: str
    port: int
    database: str
    certificate: str = "server.crt"
    key: str = "server.key"
    connections_per_address: int = 2_000
    entries_per_day: int = 200_000


@dataclass(frozen=True, slots=True)
class Folder:
    """Where everything is."""

    path: Path

    @property
    def socket(self) -> Path:
        """Where a running server answers its own machine's owner."""
        return self.path / SOCKET

    def settings(self) -> Settings:
        """Read the settings. Raises `ConfigError`."""
        file = self.path / SETTINGS
        try:
            found = tomllib.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            raise ConfigError(
                f"there is no {SETTINGS} in {self.path}",
                "agentspend-server init --org NAME, or go to the server's folder",
            ) from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{file}: {error}", "mend the file") from error
        known = {**_FIELDS, **_BOUNDS}
        wrong = [name for name in found if type(found[name]) is not known.get(name)]
        wrong += [name for name in _BOUNDS if not wrong and found.get(name, 0) < 0]
        if wrong:
            raise ConfigError(f"{file}: {wrong[0]} cannot be read", f"known: {', '.join(known)}")
        try:
            settings = Settings(**found)
        except TypeError as error:
            raise ConfigError(f"{file}: {error}", "add what is missing") from error
        _check_clear(settings)
        return settings

    def address(self) -> Address:
        """How devices reach the server, with the pin where the certificate is its own."""
        settings = self.settings()
        if not settings.certificate:
            return Address(settings.url)
        return Address(settings.url, certificate.pin(self.path / settings.certificate))

    @contextmanager
    def open(self, new_in_zone: str = "") -> Iterator[Service]:
        """The service over this folder, up to date with its journal; one at a time.

        `new_in_zone` makes the organisation first, its calendar in this zone.
        """
        settings = self.settings()
        engine = opening.open_engine(self._database(settings))
        journal = None
        try:
            if engine.dialect.name == "sqlite":
                journal = JournalFile(self.path / "journal")
            opening.migrate(engine)
            if new_in_zone:
                _begin_org(engine, settings.name, new_in_zone)
            private = bytes.fromhex((self.path / "signing.key").read_text("ascii").strip())
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
    def alone(self) -> Iterator[None]:
        """Nobody serves this folder meanwhile. Raises `AgentspendError` when somebody does."""
        journal = JournalFile(self.path / "journal")
        try:
            yield
        finally:
            journal.close()

    def _database(self, settings: Settings) -> str:
        if not settings.database:
            return f"sqlite:///{self.path / 'server.db'}"
        return settings.database.replace("postgresql://", "postgresql+psycopg://", 1)


def _begin_org(engine: Engine, name: str, zone: str) -> None:
    with engine.begin() as conn:
        if people.has_org(conn, ORG):
            raise AgentspendError(
                "there is an organisation in this database already",
                "a second server needs a copy of the first one's folder, not a new one",
            )
        people.add_org(conn, ORG, name, zone)


def _check_clear(settings: Settings) -> None:
    """Without a certificate nothing leaves this machine."""
    if not settings.certificate and not is_loopback(settings.listen):
        raise ConfigError(
            f"without a certificate the server would speak in the clear on {settings.listen}",
            'give it a certificate and key, or listen = "127.0.0.1"',
        )


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def create(path: Path, settings: Settings, zone: str, now_us: int) -> tuple[Folder, str]:
    """Make a folder with everything in it, and the first lead's token. Raises
    `AgentspendError` where there is one already."""
    if (path / SETTINGS).exists():
        raise AgentspendError(f"there is a server in {path} already", "agentspend-server serve")
    _check_clear(settings)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    host = settings.url.partition("://")[2].rpartition(":")[0].strip("[]")
    if settings.certificate:
        certificate.make(host, path / settings.certificate, path / settings.key, now_us)
    _write(path / "signing.key", secrets.token_hex(32))
    lines = [f"{name} = {json.dumps(getattr(settings, name))}" for name in _FIELDS]
    _write(path / SETTINGS, "\n".join(lines) + "\n")
    folder = Folder(path)
    try:
        with folder.open(zone) as service:
            moment = Moment(
                Caller("init", Role.LEAD), now_us, secrets.token_bytes(32), folder.address()
            )
            line, token = made(ORG, New("first lead", Role.LEAD), moment)
            words = moment.words("init", org=settings.name)
            service.act(lambda _conn, _org: Done({}, [line], words), now_us)
    except Exception:
        (path / SETTINGS).unlink()
        raise
    return folder, token


def _write(path: Path, text: str) -> None:
    """A file for its owner only."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
