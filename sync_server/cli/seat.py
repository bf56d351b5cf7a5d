"""Where a command acts: on the folder here, on the server that runs over it, or on one elsewhere.

All three run the same acts. A running server is asked over the socket in its folder, which only
its owner can open; one elsewhere over HTTPS, with a token that carries the certificate's pin.
Each way loads what it needs when it is taken: a tab in a shell waits for no database.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentspend.core.errors import AgentspendError
from sync_server.folder import SETTINGS, Folder

URL, TOKEN, FOLDER = "AGENTSPEND_SERVER_URL", "AGENTSPEND_SERVER_TOKEN", "AGENTSPEND_SERVER_FOLDER"


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
    if os.environ.get(URL):
        return _elsewhere(act, fields)
    folder = here()
    if folder.socket.exists():
        from sync_server.cli import talking

        try:
            return talking.beside(folder.socket, act, fields)
        except (ConnectionRefusedError, FileNotFoundError):
            pass  # it was killed: the folder is ours
    from sync_server.cli.doing import doing

    with doing(folder) as do:
        return do(act, **fields)


@contextmanager
def long_talk() -> Iterator[Callable[..., Mapping[str, Any]]]:
    """`ask` for many acts in a row: where no server runs, the folder is opened once for all."""
    if os.environ.get(URL) or _is_served(here()):
        yield ask
        return
    from sync_server.cli.doing import doing

    with doing(here()) as do:
        yield do


def _is_served(folder: Folder) -> bool:
    """Whether a server answers in a folder."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(str(folder.socket))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
    return True


def _elsewhere(act: str, fields: object) -> Mapping[str, Any]:
    url, token = os.environ[URL], os.environ.get(TOKEN, "")
    if not token:
        raise AgentspendError(f"{URL} is set, and {TOKEN} is not", f"export {TOKEN}=aspt_…")
    from sync_server.cli import talking

    return talking.elsewhere(url, token, act, fields)
