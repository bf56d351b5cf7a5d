"""One daemon a ledger: the lock, the word that it is ready, and hardening of the process."""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import sys
from pathlib import Path

from agentspend.control.start import READY_FD

PR_SET_DUMPABLE = 4


class LedgerTaken(Exception):
    """Another daemon holds this ledger's lock."""


def take_lock(path: Path) -> int:
    """Lock the ledger for this process's life; the open file is the lock."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise LedgerTaken from None
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle


def harden() -> None:
    """No core dumps, no ptrace by other processes of this user (protocol study §5.2 T3)."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def tell_starter(**words: object) -> None:
    """Tell whoever started us how it went; silent when started by hand."""
    handle = os.environ.pop(READY_FD, "")
    if handle:
        with contextlib.suppress(OSError):
            os.write(int(handle), json.dumps(words).encode() + b"\n")
            os.close(int(handle))
