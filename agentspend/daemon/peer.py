"""Who is at the other end of the control socket, and whether an agent of ours started it.

The kernel names the peer (`SO_PEERCRED`, on macOS `LOCAL_PEERCRED`/`LOCAL_PEERPID`), so nothing the
peer says is trusted. A process that detached itself from its session is not recognised; that
residual risk stands in SECURITY.md.
"""

import os
import socket
import struct
import sys
from collections.abc import Collection
from dataclasses import dataclass

import psutil

LOCAL_PEERCRED = 0x001
LOCAL_PEERPID = 0x002
SOL_LOCAL = 0


@dataclass(frozen=True, slots=True)
class Peer:
    """The process that connected."""

    pid: int
    uid: int

    def is_owner(self) -> bool:
        """Whether it runs as the user this daemon serves."""
        return self.uid == os.getuid()

    def started_by(self, pids: Collection[int]) -> bool:
        """Whether one of these processes is it, or one of its ancestors."""
        return bool(pids) and not set(pids).isdisjoint(self.line() or pids)

    def line(self) -> list[int]:
        """The process and its ancestors; nobody when it is gone already."""
        try:
            return [self.pid, *(parent.pid for parent in psutil.Process(self.pid).parents())]
        except psutil.Error:
            return []


def peer_of(handle: int) -> Peer:
    """Ask the kernel who is at the other end of this Unix socket (a file descriptor)."""
    with socket.socket(fileno=os.dup(handle)) as end:
        if sys.platform == "linux":
            size = struct.calcsize("3i")
            pid, uid, _ = struct.unpack(
                "3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            )
            return Peer(pid, uid)
        (pid,) = struct.unpack("i", end.getsockopt(SOL_LOCAL, LOCAL_PEERPID, 4))
        _, uid = struct.unpack("2I", end.getsockopt(SOL_LOCAL, LOCAL_PEERCRED, 8))
        return Peer(pid, uid)
