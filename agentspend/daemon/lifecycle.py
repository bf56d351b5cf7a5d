"""One daemon a ledger: the lock, the word that it is ready, and how its process is set up."""

import contextlib
import ctypes
import fcntl
import gc
import json
import os
import resource
import socket
import sys
from pathlib import Path

from agentspend.control.start import READY_FD

PR_SET_DUMPABLE = 4
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
YOUNG_OBJECTS = 5_000


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


def keep_room() -> None:
    """Keep the memory a long prompt took for the next one, up to 8 MiB (glibc only).

    Given back and asked for anew, page by page, it takes a tenth of the time of a 420 KB request.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, 8 * 1024**2)
        mallopt(M_MMAP_THRESHOLD, 2 * 1024**2)


def collect_rarely() -> None:
    """Let the collector of reference cycles leave alone what the start built, and come seldom.

    Nearly everything of a request is freed without it. Left as it is, it took 0.03 ms of every
    request, and now and then 20 ms at once, looking through the price table.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    gc.enable()


def harden() -> None:
    """No core dumps, no ptrace by other processes of this user (protocol study §5.2 T3)."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def tell_starter(**words: object) -> None:
    """Tell whoever started us how it went: a command, or systemd; silent when started by hand."""
    why = words.get("error", "another daemon keeps this ledger")
    state = "READY=1" if words.get("ready") else f"STATUS={why}"
    _notify(os.environ.pop("NOTIFY_SOCKET", ""), state)
    handle = os.environ.pop(READY_FD, "")
    if handle:
        with contextlib.suppress(OSError):
            os.write(int(handle), json.dumps(words).encode() + b"\n")
            os.close(int(handle))


def _notify(address: str, state: str) -> None:
    """One datagram to systemd, as `sd_notify(3)` says; "@" stands for an abstract socket."""
    if not address:
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.sendto(state.encode(), name)
