"""Where a command acts: on the folder here, on the server that runs over it, or on one elsewhere.

All three run the same acts. A running server is asked over the socket in its folder, which only
its owner can open; one elsewhere over HTTPS, with a token that carries the certificate's pin.
"""

import getpass
import http.client
import json
import os
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentspend.core.errors import AgentspendError
from sync_server.acts.act import Caller, Moment, Role
from sync_server.acts.table import ACTS
from sync_server.certificate import pin_of
from sync_server.cli.helping import Unreachable
from sync_server.folder import SETTINGS, Folder
from sync_server.service import Service

URL, TOKEN, FOLDER = "AGENTSPEND_SERVER_URL", "AGENTSPEND_SERVER_TOKEN", "AGENTSPEND_SERVER_FOLDER"
WITHIN_S = 60


def here() -> Folder:
    """The server's folder: the one named, or this one. Raises `AgentspendError` for none."""
    path = Path(os.environ.get(FOLDER) or ".").expanduser()
    if not (path / SETTINGS).exists():
        raise AgentspendError(
            f"there is no server in {path.resolve()}, and {URL} names none elsewhere",
            f"go to the server's folder, or set {URL} and {TOKEN}",
        )
    return Folder(path.resolve())


def ask(act: str, **fields: object) -> Mapping[str, Any]:
    """Do an act where the server is. Raises `AgentspendError` as it was said there."""
    url = os.environ.get(URL, "")
    if url:
        return _elsewhere(url, os.environ.get(TOKEN, ""), act, fields)
    folder = here()
    if folder.socket.exists():
        try:
            return _post(_Owned(folder.socket), act, fields, {})
        except (ConnectionRefusedError, FileNotFoundError):
            pass  # it was killed: the folder is ours
    return _directly(folder, act, fields)


@contextmanager
def long_talk() -> Iterator[Callable[..., Mapping[str, Any]]]:
    """`ask` for many acts in a row: where no server runs, the folder is opened once for all."""
    if os.environ.get(URL) or _is_served(here()):
        yield ask
        return
    folder = here()
    with folder.open() as service:
        yield lambda act, **fields: _do(service, folder, act, fields)


def _is_served(folder: Folder) -> bool:
    """Whether a server answers in a folder."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(str(folder.socket))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
    return True


def _directly(folder: Folder, act: str, fields: object) -> Mapping[str, Any]:
    with folder.open() as service:
        return _do(service, folder, act, fields)


def _do(service: Service, folder: Folder, act: str, fields: object) -> Mapping[str, Any]:
    now_us = time.time_ns() // 1_000
    caller = Caller(getpass.getuser(), Role.LEAD)
    moment = Moment(caller, now_us, secrets.token_bytes(32), folder.address())
    plan = ACTS[act].plan(fields, moment)
    return service.do(ACTS[act], plan, now_us).answer


def _elsewhere(url: str, token: str, act: str, fields: object) -> Mapping[str, Any]:
    if not token:
        raise AgentspendError(f"{URL} is set, and {TOKEN} is not", f"export {TOKEN}=aspt_…")
    secret, _, pin = token.strip().partition(".")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AgentspendError(f"{url!r} is no address of a server", "https://HOST:PORT")
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme == "http" and not local:
        raise AgentspendError(
            f"{url} is in the clear: the token would be read on the way", "use https"
        )
    connection: http.client.HTTPConnection
    if parts.scheme == "http":
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=WITHIN_S)
    else:
        connection = _Pinned(parts.hostname, parts.port, pin)
    try:
        return _post(connection, act, fields, {"Authorization": f"Bearer {secret}"})
    except OSError as error:
        raise Unreachable(
            f"{url} does not answer: {error}", "is the server running? agentspend-server serve"
        ) from error


def _post(
    connection: http.client.HTTPConnection, act: str, fields: object, headers: dict[str, str]
) -> Mapping[str, Any]:
    body = json.dumps(fields).encode()
    try:
        connection.request("POST", f"/v1/admin/{act}", body, headers)
        answer = connection.getresponse()
        raw = answer.read()
    except http.client.HTTPException as error:
        raise Unreachable(f"what answers is no team server: {error!r}", f"check {URL}") from error
    finally:
        connection.close()
    try:
        found: Any = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unreachable(f"what answers is no team server (HTTP {answer.status})", f"check {URL}")
    if answer.status != 200:
        said = found.get("error") or {}
        raise AgentspendError(
            str(said.get("message") or f"the server answers {answer.status}"),
            str(said.get("hint", "")),
        )
    return found


class _Owned(http.client.HTTPConnection):
    """HTTP over the socket in a folder."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=WITHIN_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(WITHIN_S)
        self.sock.connect(str(self._path))


class _Pinned(http.client.HTTPSConnection):
    """HTTPS to the certificate of a pin; without one, to a certificate this machine trusts."""

    def __init__(self, host: str, port: int | None, pin: str) -> None:
        context = ssl.create_default_context()
        if pin:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        super().__init__(host, port, timeout=WITHIN_S, context=context)
        self._pin = pin

    def connect(self) -> None:
        super().connect()
        der = self.sock.getpeercert(binary_form=True)
        if self._pin and (der is None or pin_of(der) != self._pin):
            self.close()
            raise AgentspendError(
                "the server shows another certificate than the token's",
                "somebody stands between, or the certificate was renewed: ask for a new token",
            )
