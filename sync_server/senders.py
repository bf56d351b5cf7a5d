"""Whose message this is: its device, checked by its key, and the member behind it."""

from typing import Any

from sqlalchemy import Connection

from agentspend.core.errors import AgentspendError
from agentspend.wire import signing
from agentspend.wire.team import Message, Sealed, unseal
from sync_server.acts.act import NotAllowed
from sync_server.roles import SPENDS, Role
from sync_server.store import people


class UnknownDevice(AgentspendError):
    """No active device of this name; the door answers as it does to a bad signature."""


def said(
    conn: Connection, kind: type[Message], device: str, sealed: Sealed, whose: Any = None
) -> Message:
    """What a device says, for itself. Raises `UnknownDevice`, `NotSigned` or `NotCanonical`.

    Its signature is checked before anything is read: who has no key costs us nothing but that.
    `whose` is its sender, when known.
    """
    found = whose or sender(conn, device)
    read = unseal(
        kind,
        sealed,
        lambda domain, body, sign: signing.verify(found.public_key, domain, body, sign),
    )
    if getattr(read, "device", "") != device:
        raise UnknownDevice(f"{device} speaks for another")
    return read


def sender(conn: Connection, device: str) -> Any:
    """Who a message is from. Raises `UnknownDevice`."""
    found = people.sender(conn, device)
    if found is None:
        raise UnknownDevice(f"no device {device} is enrolled")
    return found


def speaker(conn: Connection, device: str) -> people.Speaker:
    """Whose device it is. One that was revoked or left may report, and do nothing else."""
    who = people.speaker(conn, device)
    if who is None:
        raise UnknownDevice(f"{device} or its member was revoked, or it left")
    return who


def spender(conn: Connection, device: str) -> people.Speaker:
    """The same, for what only those ask who may spend. Raises `NotAllowed` for a viewer's."""
    who = speaker(conn, device)
    if not Role(who.role).may(SPENDS):
        raise NotAllowed(
            f"{who.member} is a viewer, and the role viewer may look but not spend",
            f"ask a lead: agentspend-server member set-role {who.member} member",
        )
    return who
