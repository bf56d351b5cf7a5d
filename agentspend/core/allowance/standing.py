"""Where a device stands with its team server: the few words that outlive a restart.

They are stored with the ledger, so a copy of the ledger carries them too; what the copy must not
use is bound to `identity`, the fingerprint of the place a ledger lives in (protocol study §2.7).
"""

from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """`active` spends; `retiring` settles, closes and reports; `doubt` does nothing but ask."""

    ACTIVE = "active"
    RETIRING = "retiring"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Pending:
    """A hello that was sent and not answered yet, and the identity it was sent from."""

    nonce: str
    identity: str


@dataclass(slots=True)
class Standing:
    """One incarnation's standing.

    `identity` is where the ledger lived when it was last opened. `acked_seq` is how much of the
    chain the server has; `windows` is the running window of each pool, on the server's word.
    `succeeds`: once everything is closed and reported, ask for a new incarnation.
    """

    device: str
    inc: str
    identity: str
    state: State = State.ACTIVE
    server_inc: int = 0
    server_seq: int = 0
    acked_seq: int = 0
    windows: dict[str, int] = field(default_factory=dict)
    pending: Pending | None = None
    succeeds: bool = False
    reason: str = ""
