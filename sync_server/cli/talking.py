"""A running server is asked: over the socket in its folder, or over HTTPS from anywhere."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentspend.core.errors import AgentspendError
from sync_server.cli.helping import Unreachable
from sync_server.cli.seat import URL

WITHIN_S = 60


def beside(path: Path, act: str, fields: object) -> Mapping[str, Any]:
    """Ask over a socket. Raises `AgentspendError`, and `OSError` where nobody serves it."""
    return _post(_Owned(path), act, fields, {})


def elsewhere(url: str, token: str, act: str, fields: object) -> Mapping[str, Any]:
    """Ask at an address, with a token. Raises `AgentspendError`."""
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


def _by_pin() -> ssl.SSLContext:
    """TLS whose other end is known by its pin alone: no authority of this machine is read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


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
        context = _by_pin() if pin else ssl.create_default_context()
        super().__init__(host, port, timeout=WITHIN_S, context=context)
        self._pin = pin

    def connect(self) -> None:
        from sync_server.certificate import pin_of

        super().connect()
        der = self.sock.getpeercert(binary_form=True)
        if self._pin and (der is None or pin_of(der) != self._pin):
            self.close()
            raise AgentspendError(
                "the server shows another certificate than the token's",
                "somebody stands between, or the certificate was renewed: ask for a new token",
            )
