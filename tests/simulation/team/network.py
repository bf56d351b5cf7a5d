"""The network: messages wait in it for as long as it likes, get lost, and come twice.

In one history of four they travel as signed bytes, in one of forty with real Ed25519 keys; in the
others the same values travel as they are, which is faster.
"""

import hashlib
from typing import TYPE_CHECKING

from agentspend.core.allowance.messages import Answer, Hello, Sync, Welcome
from agentspend.wire import signing
from agentspend.wire.team import Sealed, seal, unseal

if TYPE_CHECKING:
    from tests.simulation.team.machine import Machine

Message = Sync | Answer | Hello | Welcome
KEY = bytes(range(32))


class Envelope:
    """One message on its way, to a machine or to the server (None)."""

    __slots__ = ("content", "kind", "to")

    def __init__(self, to: "Machine | None", content: "Message | Sealed", kind: type) -> None:
        self.to = to
        self.content = content
        self.kind = kind


class Network:
    """What is in flight."""

    def __init__(self, *, as_bytes: bool, real_keys: bool) -> None:
        self.flying: list[Envelope] = []
        self.as_bytes = as_bytes
        self.real_keys = real_keys
        self._public = signing.public_key(KEY) if real_keys else b""

    def send(self, to: "Machine | None", message: Message) -> None:
        """Hand a message over; whether it arrives is another matter."""
        content: Message | Sealed = seal(message, self._sign) if self.as_bytes else message
        self.flying.append(Envelope(to, content, type(message)))

    def read(self, envelope: Envelope) -> Message:
        """What the receiver reads."""
        if isinstance(envelope.content, Sealed):
            found: Message = unseal(envelope.kind, envelope.content, self._check)
            return found
        return envelope.content

    def _sign(self, domain: str, body: bytes) -> bytes:
        if self.real_keys:
            return signing.sign(KEY, domain, body)
        return hashlib.blake2b(body, key=domain.encode()).digest()

    def _check(self, domain: str, body: bytes, signature: bytes) -> bool:
        if self.real_keys:
            return signing.verify(self._public, domain, body, signature)
        return signature == self._sign(domain, body)
