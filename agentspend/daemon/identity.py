"""The device: the key that signs its ledger, and what is derived from it.

The key is 32 random bytes in a 0600 file beside the ledger. Losing it costs nothing but the proof
that later entries come from the same device (protocol study §5.4).
"""

import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from agentspend.core.errors import AgentspendError
from agentspend.wire import signing


@dataclass(frozen=True, slots=True)
class Device:
    """One device's keys. `conversation_key` turns prompt digests into HMACs, so that the ledger's
    database alone cannot be searched for a known prompt."""

    public_key: bytes
    private_key: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """The device's name in its ledger: its key's."""
        return signing.key_id(self.public_key)

    @property
    def conversation_key(self) -> bytes:
        """The key of the HMAC under which conversations are remembered."""
        return hmac.digest(self.private_key, b"agentspend/conversations/v1", "sha256")


def load_device(path: Path) -> Device:
    """Read this device's key, made on first use. Raises `AgentspendError` for a damaged file."""
    try:
        private = path.read_bytes()
    except FileNotFoundError:
        private = _make(path)
    if len(private) != signing.KEY_BYTES:
        raise AgentspendError(
            f"the device key {path} is damaged: {len(private)} bytes, not {signing.KEY_BYTES}",
            f"mv {path} {path}.damaged: a new one is made, and later entries are signed by it",
        )
    return Device(signing.public_key(private), private)


def new_incarnation() -> str:
    """A name for a new ledger, never used before."""
    return f"i_{secrets.token_hex(8)}"


def _make(path: Path) -> bytes:
    private = secrets.token_bytes(signing.KEY_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(private)
        file.flush()
        os.fsync(file.fileno())
    return private
