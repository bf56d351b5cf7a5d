"""A device joins: an invite is used up, a key is bound to a member, a ledger begins.

One transaction, journaled like every decision, so that a code that was used stays used after a
restore. Every refusal of a code looks the same: whoever guesses learns nothing. Who has a good one
is told when it is their device's key that is not taken.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping

from agentspend.core.allowance.messages import Certificate, Enrol, Status
from agentspend.core.errors import AgentspendError
from agentspend.core.printable import clean
from agentspend.wire import signing
from agentspend.wire.canonical import NotCanonical
from agentspend.wire.invite import code_sha256, read_code
from agentspend.wire.team import Sealed, read, unseal
from sync_server.allowance.case import Office
from sync_server.allowance.journal import Began, Filed, Line, Ranked
from sync_server.store import people

LONGEST_LABEL = 100


class NotInvited(AgentspendError):
    """The code is unknown, used, expired, or its member is not active: which, is not said. Or the
    key is that of a device which was sent away, or is another member's."""

    def __init__(
        self,
        message: str = "this invite code is not valid",
        hint: str = "it works once, for a day; ask the team's lead for a new one",
    ) -> None:
        super().__init__(message, hint)


@dataclass(frozen=True, slots=True)
class Names:
    """Fresh names for a device and its first ledger, made by the caller."""

    device: str
    inc: str


def opened(sealed: Sealed) -> Enrol:
    """Read a request and check that its sender holds the key it names.

    Raises `NotSigned` or `NotCanonical`.
    """
    asked = read(Enrol, sealed.body)
    try:
        public = bytes.fromhex(asked.public_key)
    except ValueError as error:
        raise NotCanonical("the public key is not hex") from error
    return unseal(
        Enrol, sealed, lambda domain, body, found: signing.verify(public, domain, body, found)
    )


def enrol(
    conn: Connection, asked: Enrol, names: Names, office: Office, server_key: bytes
) -> tuple[Certificate, list[Line]]:
    """The certificate, and the lines that make it true; no lines when it was given before.

    Raises `NotInvited`.
    """
    public = bytes.fromhex(asked.public_key)
    again = people.enrolled(conn, public, asked.nonce)
    if again is not None:
        names = Names(again["id"], again["inc"])
        return _certificate(asked, dict(again), names, office, server_key), []
    try:
        code = code_sha256(read_code(asked.code))
    except AgentspendError as error:
        raise NotInvited from error
    invite = people.invited(conn, code)
    if invite is None or not invite["active"] or invite["used_us"] is not None:
        raise NotInvited
    known = people.device_of_key(conn, public)
    if people.inc_of_nonce(conn, asked.nonce) is not None or invite["expires_us"] <= office.now_us:
        raise NotInvited
    if known is not None and not _comes_back(known, invite):
        raise NotInvited(
            "the key of this device was enrolled before and is not taken again",
            "agentspend daemon stop    then move device.key away, beside the ledger (agentspend"
            " config path), and join again: a new key is made",
        )
    if known is not None:
        names = Names(known["id"], names.inc)
    device = {
        "id": names.device, "org": invite["org"], "member": invite["member"],
        "label": clean(asked.label[:LONGEST_LABEL]), "public_key": asked.public_key, "active": True,
        "enrolled_us": office.now_us, "seen_us": office.now_us, "left_us": 0,
    }  # fmt: skip
    used = {
        "code_sha256": code, "member": invite["member"], "expires_us": invite["expires_us"],
        "used_us": office.now_us,
    }  # fmt: skip
    lines: list[Line] = [
        Filed("device", device),
        Filed("invite", used),
        Began(names.inc, names.device, asked.nonce, at_us=office.now_us),
        *(Ranked(inc, Status.SUPERSEDED) for inc in people.incs_of(conn, names.device)),
    ]
    who = {**invite, "label": clean(asked.label[:LONGEST_LABEL])}
    return _certificate(asked, who, names, office, server_key), lines


def _comes_back(device: RowMapping, invite: RowMapping) -> bool:
    """Whether a device that is known may join anew: it had left the team, and its member has an
    invite. One that was revoked or lost never does."""
    return bool(device["active"]) and device["member"] == invite["member"]


def _certificate(
    asked: Enrol, who: dict[str, object], names: Names, office: Office, server_key: bytes
) -> Certificate:
    return Certificate(
        team=str(who["team"]),
        device=names.device,
        member=str(who["member"]),
        role=str(who["role"]),
        label=str(who["label"]),
        inc=names.inc,
        in_reply_to=asked.nonce,
        public_key=asked.public_key,
        server_key=server_key.hex(),
        server_inc=office.server_inc,
        server_seq=office.server_seq,
        server_us=office.now_us,
    )
