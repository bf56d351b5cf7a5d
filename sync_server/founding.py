"""A new server's folder: settings, keys, certificate, database, and the first lead's token."""

import os
import secrets
from pathlib import Path

from agentspend.core.errors import AgentspendError
from sync_server import certificate
from sync_server.acts.act import Caller, Done, Moment
from sync_server.acts.tokens import New, made
from sync_server.folder import SETTINGS, Folder, Settings
from sync_server.open_folder import ORG, address_of, opened
from sync_server.roles import Role


def create(path: Path, settings: Settings, zone: str, now_us: int) -> tuple[Folder, str]:
    """Make a folder with everything in it, and the first lead's token. Raises
    `AgentspendError` where there is one already."""
    if (path / SETTINGS).exists():
        raise AgentspendError(f"there is a server in {path} already", "agentspend-server serve")
    settings.check()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    host = settings.url.partition("://")[2].rpartition(":")[0].strip("[]")
    if settings.certificate:
        certificate.make(host, path / settings.certificate, path / settings.key, now_us)
    _write(path / "signing.key", secrets.token_hex(32))
    _write(path / SETTINGS, settings.text())
    folder = Folder(path)
    try:
        with opened(folder, zone) as service:
            moment = Moment(
                Caller("init", Role.LEAD), now_us, secrets.token_bytes(32), address_of(folder)
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
