"""What an act is: who may do it, what it must be told, and what it decides.

The same acts serve the server's folder and the admin API. An act runs in one transaction, changes
nothing itself, and hands back journal lines; the service writes them, and the audit record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from agentspend.core.errors import AgentspendError
from sync_server.allowance.journal import Line
from sync_server.roles import Role

EVERYONE = frozenset({"*"})
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts. `member` is "" for a token that belongs to no member."""

    name: str
    role: Role
    member: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What an act decides, and what it answers.

    `words` go into the audit chain. `org` are changes of the organisation's own row; with them, or
    with `policy`, the policy gets a new number. `concerns` are the teams whose devices are told at
    once (`EVERYONE` for all).
    """

    answer: Mapping[str, Any]
    lines: Sequence[Line] = ()
    words: Mapping[str, object] = field(default_factory=dict)
    org: Mapping[str, object] = field(default_factory=dict)
    policy: bool = False
    concerns: frozenset[str] = NOBODY


Plan = Callable[[Connection, Row[Any]], Done]


@dataclass(frozen=True, slots=True)
class Address:
    """Where devices reach the server; `pin` is the SHA-256 of its certificate, "" without one."""

    url: str = ""
    pin: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """What an act may know besides its fields: who, when, fresh random bytes, our address."""

    caller: Caller
    now_us: int
    secret: bytes = bytes(32)
    address: Address = Address()

    def words(self, what: str, **facts: object) -> dict[str, object]:
        """The audit record of an act."""
        return {"who": self.caller.name, "what": what, **facts}


class NotFound(AgentspendError):
    """There is nothing of this name."""


class NotAllowed(AgentspendError):
    """The caller's role does not reach so far."""


class BadFields(AgentspendError):
    """What was sent is not what this act takes."""


@dataclass(frozen=True, slots=True)
class Act:
    """`takes` is a msgspec struct; `does` gets it filled in.

    One that only `looks` decides nothing and waits for no decision of others.
    """

    name: str
    least: Role
    takes: type[msgspec.Struct]
    does: Callable[[Connection, Row[Any], Any, Moment], Done]
    gist: str
    looks: bool = False

    def plan(self, fields: object, moment: Moment) -> Plan:
        """Check who asks and what is said. Raises `NotAllowed` or `BadFields`."""
        if not moment.caller.role.may(self.least):
            raise NotAllowed(
                f"{self.name} takes a {self.least.value}'s token, and this is a "
                f"{moment.caller.role.value}'s",
                "ask a lead of your organisation",
            )
        try:
            told = msgspec.convert(fields, self.takes)
        except msgspec.ValidationError as error:
            raise BadFields(f"{self.name}: {error}", "see /openapi.json") from error
        return lambda conn, org: self.does(conn, org, told, moment)


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """An act that needs to be told nothing."""
