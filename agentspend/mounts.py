"""Which file system a path is on, and which of them are no place for a ledger.

SQLite's write-ahead log needs locks and shared memory that hold; on a network or a folder shared
with another system two programs would each believe that they alone have them.
"""

import os
import re
from pathlib import Path

NETWORK_FILESYSTEMS = frozenset(
    {
        "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "drvfs", "fuse.ceph",
        "fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.grpcfuse", "fuse.gvfsd-fuse",
        "fuse.osxfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse", "gpfs",
        "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs",
        "vboxsf", "vmhgfs", "webdav",
    }
)  # fmt: skip
"""Their names in the table of mounts; `9p` and `drvfs` are Windows' drives in WSL."""
LOCAL_LOOKS = frozenset({"9p", "drvfs"})
"""Those whose other end is this machine, so that a look at a file cannot hang."""
MOUNTS = Path("/proc/mounts")
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")


def network_kind(path: Path, mounts: Path = MOUNTS) -> str:
    """The network file system that a path is on, "" on a local disk or where it cannot be told."""
    kind = filesystem_kind(path, mounts)
    return kind if kind in NETWORK_FILESYSTEMS else ""


def may_hang(path: Path, mounts: Path = MOUNTS) -> bool:
    """Whether a look at a file may wait for another machine without end."""
    return network_kind(path, mounts) not in {"", *LOCAL_LOOKS}


def filesystem_kind(path: Path, mounts: Path = MOUNTS) -> str:
    """The filesystem a path is on, from the mount table; "" where it cannot be told.

    Of two mounts at one point the later one is on top: an automounter's, then the real one.
    """
    target = os.fsencode(os.path.realpath(path)) + b"/"
    best, kind = b"", b""
    for point, named in _table(mounts):
        folder = point.rstrip(b"/") + b"/"
        if target.startswith(folder) and len(folder) >= len(best):
            best, kind = folder, named
    return os.fsdecode(kind)


def _table(mounts: Path) -> list[tuple[bytes, bytes]]:
    """(mount point, kind) of every mount, in their order; macOS has no file of them."""
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return _asked() if mounts == MOUNTS else []
    words = [line.split(b" ") for line in lines]
    return [(_ESCAPE.sub(_unescaped, line[1]), line[2]) for line in words if len(line) > 2]


def _asked() -> list[tuple[bytes, bytes]]:
    """The table as the system tells it."""
    import psutil

    parts = psutil.disk_partitions(all=True)
    return [(os.fsencode(part.mountpoint), os.fsencode(part.fstype)) for part in parts]


def _unescaped(found: re.Match[bytes]) -> bytes:
    """The mount table writes a space as `\\040`."""
    return bytes([int(found[1], 8)])
