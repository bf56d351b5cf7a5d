"""Where a team's part of this ledger begins: with what began after the device joined it.

A request is the team's that the device was in when it was held. What is in flight when a device
joins is its own, or that of a team it has just left at once (`leave --now`): another one is not
told of it, and it counts in none of its caps.
"""

import sqlite3

import msgspec

from agentspend.bookkeeper import once
from agentspend.store import team
from agentspend.store.holds import all_open

ENROLLING, JOINED = "enrolling", "joined"
"""Under which words of the team's this is kept."""


class Joined(msgspec.Struct, frozen=True):
    """When this device joined, by its ledger's time, and the requests in flight then. Ledgers that
    joined under an older build do not say: all is the team's."""

    at_us: int = 0
    flying: frozenset[str] = frozenset()

    def counts(self, rid: str, settled_us: int) -> bool:
        """Whether a charge is one of the team's."""
        return settled_us >= self.at_us and rid not in self.flying


def enrolling(conn: sqlite3.Connection, code: str, identity: str, nonce: str) -> str:
    """The nonce to use an invite with: that of an earlier try from this very place, else this
    fresh one. A code works once, an answer many times."""
    return once.name_of(conn, ENROLLING, f"{identity}\n{code}", nonce)


def begin(conn: sqlite3.Connection, now_us: int) -> None:
    """The device joins now."""
    once.answered(conn, ENROLLING)
    flying = frozenset(hold.rid for hold in all_open(conn))
    team.write(conn, JOINED, msgspec.json.encode(Joined(now_us, flying)))


def joined(kept: bytes | None) -> Joined:
    """What `begin` has written."""
    return msgspec.json.decode(kept, type=Joined) if kept else Joined()
