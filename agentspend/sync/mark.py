"""How far a ledger's reports had come, kept beside the ledger: what shows that it was put back.

A backup that is copied over the file keeps the file's identity (`anchor`), and a file made anew
often gets the old one's inode. But it ends before the mark, which was written later.
"""

import os
from pathlib import Path

import msgspec

from agentspend.bookkeeper.rights import Mark


class MarkFile:
    """The mark beside one ledger. It is not synced to the disk: after a power cut it may be an
    older one, which proves less and never too much."""

    def __init__(self, ledger: Path) -> None:
        self._path = ledger.with_suffix(".mark")
        self._written: Mark | None = None

    def read(self) -> Mark | None:
        """The last mark; None where there is none, or none that can be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Mark)
        except (OSError, msgspec.DecodeError):
            return None

    def write(self, mark: Mark | None) -> None:
        """Keep a mark, if it is another one. Raises `OSError`."""
        if mark is None or mark == self._written:
            return
        fresh = self._path.with_suffix(".mark-new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(mark))
        fresh.replace(self._path)
        self._written = mark
