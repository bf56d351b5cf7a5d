"""Tokens: who may steer or look from another machine. Only their hashes are kept."""

from hashlib import sha256
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, Row, select

from sync_server.acts.act import Act, Caller, Done, Moment, NotFound, Nothing
from sync_server.acts.finding import all_rows, found
from sync_server.allowance.journal import Filed
from sync_server.roles import Role
from sync_server.store.tables import members, tokens

PREFIX = "aspt_"
_SECRET_BYTES = 24


class New(msgspec.Struct, forbid_unknown_fields=True):
    """A token of its own name and role, or of a member, with the member's role."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    role: Role = Role.VIEWER
    member: Annotated[str, msgspec.Meta(max_length=80)] = ""


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """A token by its name."""

    name: Annotated[str, msgspec.Meta(max_length=80)]


def token_sha256(token: str) -> str:
    """What is kept of a token. It is random enough for a plain hash."""
    return sha256(b"agentspend/token/v1\n" + token.encode()).hexdigest()


def made(org: str, told: New, moment: Moment) -> tuple[Filed, str]:
    """A token's row, and the token, with the pin of the server's certificate behind it."""
    token = PREFIX + moment.secret[:_SECRET_BYTES].hex()
    row = {
        "sha256": token_sha256(token), "org": org, "name": told.name,
        "member": told.member or None, "role": told.role.value, "active": True,
        "made_us": moment.now_us,
    }  # fmt: skip
    return Filed("token", row), f"{token}.{moment.address.pin}" if moment.address.pin else token


def caller_of(conn: Connection, token: str) -> Caller | None:
    """Who a token stands for; None for one that is unknown or ended."""
    asked = (
        select(tokens, members.c.role.label("member_role"), members.c.active.label("member_active"))
        .outerjoin(members, members.c.id == tokens.c.member)
        .where(tokens.c.sha256 == token_sha256(token.partition(".")[0]))
    )
    row = conn.execute(asked).one_or_none()
    if row is None or not row.active:
        return None
    if row.member is None:
        return Caller(row.name, Role(row.role))
    return Caller(row.member, Role(row.member_role), row.member) if row.member_active else None


def _create(conn: Connection, org: Row[Any], told: New, moment: Moment) -> Done:
    if told.member:
        found(conn, members, told.member, "member")
    line, token = made(org.id, told, moment)
    words = moment.words("token.create", token=told.name, role=told.role.value)
    return Done({"name": told.name, "token": token}, [line], words)


def _list(conn: Connection, _org: Row[Any], _told: Nothing, _moment: Moment) -> Done:
    kept = ("name", "role", "member", "active", "made_us")
    answer = [{name: row[name] for name in kept} for row in all_rows(conn, tokens)]
    return Done({"tokens": sorted(answer, key=lambda row: (row["made_us"], row["name"]))})


def _revoke(conn: Connection, _org: Row[Any], told: Named, moment: Moment) -> Done:
    rows = all_rows(conn, tokens, name=told.name, active=True)
    if not rows:
        raise NotFound(f"there is no token {told.name!r}", "agentspend-server token list")
    lines = [Filed("token", {**row, "active": False}) for row in rows]
    words = moment.words("token.revoke", token=told.name)
    return Done({"name": told.name, "revoked": len(rows)}, lines, words)


ACTS = (
    Act("token.create", Role.LEAD, New, _create, "Make a token; it is shown once"),
    Act("token.list", Role.LEAD, Nothing, _list, "Every token: whose, and with which role"),
    Act("token.revoke", Role.LEAD, Named, _revoke, "End a token"),
)
