"""Lines held open to devices, and the tickets that open them.

A ticket names its device and its end and is signed by the server, so that any server of the same
key takes it and nothing is kept. What is pushed says only "come and sync": a lost push costs a
device nothing but time.
"""

import asyncio
import hmac
from collections import defaultdict
from collections.abc import Collection
from hashlib import sha256

VALID_S = 600
LINES_PER_DEVICE = 4


def tickets_key(private_key: bytes) -> bytes:
    """The secret that tickets are signed with, drawn from the server's own."""
    return hmac.digest(private_key, b"agentspend/tickets/v1", "sha256")


class Lines:
    """The devices that listen, each with a bell for every line."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._bells: defaultdict[str, list[asyncio.Event]] = defaultdict(list)
        self.closing = False

    @property
    def held(self) -> int:
        """How many lines are open."""
        return sum(map(len, self._bells.values()))

    def ticket(self, device: str, now_us: int) -> str:
        """A ticket for this device from now on."""
        said = f"{device}~{now_us // 1_000_000 + VALID_S}"
        return f"{said}~{self._mac(said)}"

    def device_of(self, ticket: str, now_us: int) -> str | None:
        """Whose ticket it is; None when it is none, or old."""
        said, _, mac = ticket.rpartition("~")
        device, _, ends_s = said.rpartition("~")
        if not hmac.compare_digest(mac.encode(), self._mac(said).encode()):
            return None
        return device if int(ends_s) * 1_000_000 > now_us else None

    def open(self, device: str) -> asyncio.Event:
        """A bell for one more line of a device; its oldest line ends when it has too many."""
        bells = self._bells[device]
        while len(bells) >= LINES_PER_DEVICE:
            bells.pop(0).set()
        bell = asyncio.Event()
        bells.append(bell)
        return bell

    def is_open(self, device: str, bell: asyncio.Event) -> bool:
        """Whether a line should go on."""
        return not self.closing and bell in self._bells.get(device, ())

    def listens(self, device: str) -> bool:
        """Whether a device has a line open."""
        return device in self._bells

    def hang_up(self, device: str, bell: asyncio.Event) -> None:
        """A line has ended."""
        bells = self._bells.get(device, [])
        if bell in bells:
            bells.remove(bell)
        if not bells:
            self._bells.pop(device, None)

    def tell(self, devices: Collection[str] | None) -> None:
        """Ring the bells of these devices, or of all."""
        for device in list(self._bells) if devices is None else devices:
            for bell in self._bells.get(device, ()):
                bell.set()

    def close(self) -> None:
        """End all lines."""
        self.closing = True
        self.tell(None)

    def _mac(self, said: str) -> str:
        return hmac.new(self._key, said.encode(), sha256).hexdigest()
