"""The daemon on its way into a team: it types what an invite says, and hears who it is there."""

import platform
import secrets
from typing import NamedTuple

from agentspend.bookkeeper import Bookkeeper
from agentspend.bookkeeper.joining import enrolling
from agentspend.bookkeeper.membership import Membership
from agentspend.core.allowance.messages import Enrol
from agentspend.core.errors import AgentspendError
from agentspend.daemon.identity import Device
from agentspend.sync.client import Heard, TeamClient, split_code
from agentspend.sync.pump import NONCE_BYTES

STILL_JOINING = AgentspendError(
    "this device is joining a team at this moment", "agentspend team status"
)


class Enrolled(NamedTuple):
    """Whose member the device is from now on, its first ledger there, and what came with it."""

    membership: Membership
    inc: str
    heard: Heard


async def enrolled(books: Bookkeeper, device: Device, here: str, url: str, code: str) -> Enrolled:
    """Use an invite from the ledger's place `here`. Raises `AgentspendError` when not let in."""
    own, pin = split_code(code)
    fresh = secrets.token_hex(NONCE_BYTES)
    client = TeamClient(url, pin, device.private_key)
    nonce = await books.ask(lambda opened, _: enrolling(opened.conn, own, here, fresh))
    try:
        asked = Enrol(
            code=own,
            label=platform.node().partition(".")[0],
            nonce=nonce,
            public_key=device.public_key.hex(),
        )
        found, heard = await client.enrol(asked)
    finally:
        await client.close()
    membership = Membership(
        url=url,
        team=found.team,
        device=found.device,
        member=found.member,
        role=found.role,
        server_key=found.server_key,
        pin=pin,
    )
    return Enrolled(membership, found.inc, heard)
