"""Where a ledger lives: what a copy or a restore of it does not share (protocol study §2.7)."""

import hashlib
from pathlib import Path

_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def identity(ledger: Path) -> str:
    """A fingerprint of the file itself and of the machine it is on."""
    found = ledger.stat()
    words = (str(found.st_dev), str(found.st_ino), _machine())
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _machine() -> str:
    for path in _MACHINE_IDS:
        try:
            return path.read_text("utf-8").strip()
        except OSError:
            continue
    return ""
