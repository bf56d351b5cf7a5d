"""Invites: a code that lets one device in, with all its owner must type."""

from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row

from agentspend.core.errors import AgentspendError
from agentspend.wire.invite import CODE_BYTES, code_sha256, write_code
from sync_server.acts.act import Act, Done, Moment
from sync_server.acts.finding import found
from sync_server.allowance.journal import Filed
from sync_server.roles import Role
from sync_server.store.tables import members

DAY_H, WEEK_H, MOST_H = 24, 168, 720
_HOUR_US = 3_600_000_000


class Invite(msgspec.Struct, forbid_unknown_fields=True):
    """For whom, and for how many hours."""

    member: Annotated[str, msgspec.Meta(max_length=200)]
    valid_h: Annotated[int, msgspec.Meta(ge=1, le=MOST_H)] = DAY_H


def fresh(
    member: str, secret: bytes, moment: Moment, valid_h: int
) -> tuple[Filed, dict[str, object]]:
    """An invite's row, and what to hand to the member. `secret` is fresh random bytes."""
    expires_us = moment.now_us + valid_h * _HOUR_US
    row = {
        "code_sha256": code_sha256(secret[:CODE_BYTES]), "member": member,
        "expires_us": expires_us, "used_us": None,
    }  # fmt: skip
    code = write_code(secret[:CODE_BYTES])
    if moment.address.pin:
        code = f"{code}.{moment.address.pin}"
    line = f"agentspend team join {moment.address.url} {code}"
    return Filed("invite", row), {"member": member, "expires_us": expires_us, "join": line}


def _invite(conn: Connection, _org: Row[Any], told: Invite, moment: Moment) -> Done:
    if not found(conn, members, told.member, "member")["active"]:
        raise AgentspendError(
            f"{told.member} was revoked", f"agentspend-server member add {told.member} --team TEAM"
        )
    line, invite = fresh(told.member, moment.secret, moment, told.valid_h)
    return Done(invite, [line], moment.words("invite", member=told.member))


ACTS = (Act("invite", Role.LEAD, Invite, _invite, "Let one more device of a member in, once"),)
