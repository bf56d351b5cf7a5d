"""The gate for new holds, closed while the disk takes no commit, and the ballast that makes room.

Closed for spending, open for telling (protocol study §4.5): what is in flight is still settled, in
the ballast's room, and what even that does not take is noted in the emergency file.
"""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from agentspend.core.errors import StoreError
from agentspend.core.limits import BALLAST_BYTES

REOPEN_BYTES = 2 * BALLAST_BYTES
"""Free space at which a gate closed by a full disk opens again: the ballast, and room to work."""
TRY_EVERY_S = 1.0


class Gate:
    """Whether holds are taken; `closed` says why not, "" when it is open.

    The ballast is room on disk that is reserved while all is well.
    """

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        self._folder = folder
        self._read_only = read_only
        self._next_try_s = 0.0
        self.closed = "the ledger is read-only" if read_only else ""

    @property
    def ballast(self) -> Path:
        """The file that reserves the room."""
        return self._folder / "ballast"

    @property
    def emergency(self) -> Path:
        """Where settlements are noted that the ledger does not take."""
        return self._folder / "emergency.jsonl"

    def close(self, error: Exception) -> None:
        """The disk took no commit: no more holds, and the ballast for streams in flight."""
        self.closed = f"the ledger cannot be written ({error})"
        self.free_ballast()

    def free_ballast(self) -> bool:
        """Give its room away; whether there was any to give."""
        with suppress(OSError):
            self.ballast.unlink()
            return True
        return False

    def begin(self) -> None:
        """The ledger was opened: reserve the ballast, or stay closed where there is no room."""
        try:
            self.lay_ballast()
            self.closed = ""
        except OSError as error:
            self.closed = f"the disk is full ({error.strerror})"

    def opens(self) -> bool:
        """Whether there is room again; looked at once a second at most."""
        if self._read_only or time.monotonic() < self._next_try_s:
            return False
        self._next_try_s = time.monotonic() + TRY_EVERY_S
        with suppress(OSError):
            if shutil.disk_usage(self._folder).free >= REOPEN_BYTES:
                self.lay_ballast()
                self.closed = ""
                return True
        return False

    def refusal(self) -> StoreError:
        """What a request hears while it is closed."""
        return StoreError(
            f"{self.closed}, so no request may leave",
            f"free disk space under {self._folder}, or make it writable",
        )

    def lay_ballast(self) -> None:
        """Reserve room on disk, so that a full one still takes the settlements in flight."""
        handle = os.open(self.ballast, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(handle, 0, BALLAST_BYTES) if hasattr(
                os, "posix_fallocate"
            ) else os.write(handle, bytes(BALLAST_BYTES))
        except OSError:
            self.ballast.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
