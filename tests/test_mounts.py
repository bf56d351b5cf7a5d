"""Which file system a path is on: by a table written here, and by a real mount."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agentspend import mounts
from tests.support.process import Home

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
proc /proc proc rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/me/local xfs rw 0 0
systemd-1 /net/share autofs rw 0 0
//nas/share /net/share cifs rw 0 0
//nas/b /mnt/My\\040Share cifs rw 0 0
host:/ /homes fuse.sshfs rw 0 0

odd
"""


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("/var/lib/ledger.db", "ext4"),
        ("/home/me/ledger.db", "nfs4"),
        ("/home", "nfs4"),
        ("/home/me/local/ledger.db", "xfs"),
        ("/home/me/locale/ledger.db", "nfs4"),
        ("/homestead/ledger.db", "ext4"),
        ("/net/share/ledger.db", "cifs"),
        ("/mnt/My Share/ledger.db", "cifs"),
    ],
)
def test_the_mount_a_path_is_on_is_found(tmp_path: Path, where: str, kind: str) -> None:
    """The deepest, the last of two at one point, and names with spaces."""
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    assert mounts.filesystem_kind(Path(where), table) == kind


def test_a_link_is_followed_to_where_the_file_is(tmp_path: Path) -> None:
    """A home of links does not hide the network behind it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    table = tmp_path / "mounts"
    table.write_bytes(b"x %s nfs rw\n/dev / ext4 rw\n" % bytes(tmp_path / "real"))
    assert mounts.filesystem_kind(tmp_path / "link" / "ledger.db", table) == "nfs"


@pytest.mark.parametrize("kind", sorted(mounts.NETWORK_FILESYSTEMS))
def test_every_network_filesystem_is_told(tmp_path: Path, kind: str) -> None:
    """Among them Windows' drives, as WSL mounts them."""
    table = tmp_path / "mounts"
    table.write_text(f"/dev/sda1 / ext4 rw 0 0\nC:\\134 /mnt/c {kind} rw,aname=drvfs 0 0\n")

    assert mounts.network_kind(Path("/mnt/c/Users/me/ledger.db"), table) == kind
    assert mounts.network_kind(Path("/home/me/ledger.db"), table) == ""
    assert mounts.may_hang(Path("/mnt/c/work/.git/HEAD"), table) is (kind not in ("9p", "drvfs"))


def test_without_a_mount_table_the_system_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS has no such file; psutil asks its kernel. A table that is named and missing is none.

    Asked of a mount point: a chroot's root may be none, and then the table says nothing of it.
    """
    point = Path(psutil.disk_partitions(all=True)[0].mountpoint)
    here = mounts.filesystem_kind(point)
    missing = tmp_path / "none"
    assert mounts.filesystem_kind(point, missing) == ""
    monkeypatch.setattr(mounts, "MOUNTS", missing)

    assert mounts.filesystem_kind(point, missing) == here != ""


@pytest.fixture
def fuse(tmp_path: Path) -> Iterator[Path]:
    """A folder that is really mounted by FUSE, and says that it is sshfs."""
    if os.geteuid() or not shutil.which("bindfs") or not Path("/dev/fuse").exists():
        pytest.skip("needs root, /dev/fuse and bindfs to mount something real")
    real, mounted = tmp_path / "real", tmp_path / "mounted"
    real.mkdir()
    mounted.mkdir()
    subprocess.run(["bindfs", "-o", "subtype=sshfs", real, mounted], check=True)
    yield mounted
    subprocess.run(["umount", mounted], check=True)


def test_a_daemon_refuses_a_home_on_a_real_network_mount(fuse: Path) -> None:
    """Nothing is written there, and the message names the kind and the way out."""
    home = Home(fuse)
    done = home.run("run", "--", "true")

    assert done.returncode == 1
    assert "network filesystem (fuse.sshfs)" in done.stderr
    assert "export AGENTSPEND_HOME=" in done.stderr
    assert not list(fuse.rglob("ledger*"))
    assert "fuse.sshfs" in home.run("doctor").stdout
