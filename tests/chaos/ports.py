"""Ports that are still free when a killed program comes back to them.

The system hands out ports from 32768 on for outgoing connections; those below stay ours. A lock
beside each keeps other rigs on this machine from taking it while nobody listens.
"""

import fcntl
import os
import secrets
import socket
import tempfile
from pathlib import Path

LOWEST, HIGHEST = 15_000, 32_000
_locks: dict[int, int] = {}


def fixed_port() -> int:
    """A port nobody listens on, ours until this process ends."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        if port not in _locks and _is_free(port) and _lock(port):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _lock(port: int) -> bool:
    folder = Path(tempfile.gettempdir()) / f"chaos-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return False
    _locks[port] = handle
    return True
