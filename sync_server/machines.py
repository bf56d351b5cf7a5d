"""A member lets another machine of theirs in, without the lead: a single-use invite, for an hour.

The code follows from the message and the server's key, so that a message that is heard twice, or
replayed, makes no second one.
"""

from hashlib import sha256

from sqlalchemy import Connection

from agentspend.core.errors import AgentspendError
from agentspend.wire.invite import CODE_BYTES, code_sha256
from sync_server.acts.act import Address, Caller, Done, Moment
from sync_server.acts.invites import fresh
from sync_server.roles import Role
from sync_server.store import people
from sync_server.store.people import Speaker

VALID_H = 1
VALID_US = VALID_H * 3_600_000_000
MOST_AN_HOUR = 5
_HOUR_US = 3_600_000_000


class TooMany(AgentspendError):
    """This member has let in enough for now."""


def secret_of(private_key: bytes, body: bytes) -> bytes:
    """The random bits of the code that answers this message."""
    return sha256(b"agentspend/add_device/v1\n" + private_key + sha256(body).digest()).digest()


def added(
    conn: Connection, who: Speaker, device: str, secret: bytes, address: Address, now_us: int
) -> Done:
    """The invite and its line to type. Raises `TooMany`."""
    moment = Moment(Caller(who.member, Role(who.role), who.member), now_us, secret, address)
    line, answer = fresh(who.member, secret, moment, VALID_H)
    known = people.invited(conn, code_sha256(secret[:CODE_BYTES]))
    if known is not None:
        return Done({**answer, "expires_us": known["expires_us"]})
    if people.invites_until(conn, who.member, now_us, now_us + _HOUR_US) >= MOST_AN_HOUR:
        raise TooMany(
            f"{who.member} let {MOST_AN_HOUR} machines in within an hour",
            f"ask a lead: agentspend-server invite {who.member}",
        )
    return Done(answer, [line], moment.words("device.add", member=who.member, device=device))
