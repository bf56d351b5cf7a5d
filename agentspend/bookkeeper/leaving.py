"""A device on its way out of its team: what the team is still to hear before the two part.

That a person said so is kept in the ledger, so that a crash or a restart on the way loses nothing:
what was in flight then is settled first, told, and only then is the device nobody's.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from agentspend.core.allowance.device import Device
from agentspend.core.allowance.hearing import Chain, is_reported
from agentspend.core.allowance.standing import State
from agentspend.store.holds import all_open

LEAVING = "leaving"
"""Under which word of the team's the requests stand that were in flight when it was left."""


@dataclass(frozen=True, slots=True)
class LeftToTell:
    """Requests in flight that the team is told of, what they hold in nano-USD, and how many
    reports its server has not acknowledged. `is_over`: nothing is left."""

    in_flight: int = 0
    held_nusd: int = 0
    queued: int = 0
    is_over: bool = True


def words_of(kept: bytes | None) -> frozenset[str] | None:
    """The requests that were in flight when a person left; None where nobody leaves."""
    return frozenset(msgspec.json.decode(kept, type=list[str])) if kept else None


def left_to_tell(
    conn: sqlite3.Connection, device: Device, chain: Chain, awaited: Collection[str]
) -> LeftToTell:
    """What is left. A ledger in doubt has nothing to tell that its server would take."""
    flying = [hold for hold in all_open(conn) if hold.rid in awaited]
    in_doubt = device.standing.state is State.DOUBT
    return LeftToTell(
        in_flight=len(flying),
        held_nusd=sum(hold.amount_nusd for hold in flying),
        queued=chain.end.seq - device.standing.acked_seq,
        is_over=not flying and (in_doubt or is_reported(device, chain)),
    )
