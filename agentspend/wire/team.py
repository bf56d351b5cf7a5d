"""The team protocol, v1: message ⇄ signed bytes, for both ends.

The body is canonical JSON: the fields of the message, `v` and `type`. The signature is detached,
by the sender's Ed25519 key, over the domain of the type (`wire.signing`); it covers every entry in
the body, so one signature is enough for a whole upload ([D7] of the protocol study). A stored
answer with its signature is the device's receipt: what the server has, and what it granted.

Fields a reader does not know are ignored, so that either end may be newer.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import msgspec

from agentspend.core.allowance.messages import (
    AddDevice,
    Answer,
    Certificate,
    Decide,
    DrawReserve,
    Enrol,
    Hello,
    Look,
    Overview,
    RaiseRequest,
    Sync,
    Welcome,
)
from agentspend.wire.canonical import NotCanonical, canonical, parse

VERSION = 1
TYPES: dict[type, str] = {
    Sync: "sync",
    Answer: "sync_ack",
    Hello: "hello",
    Welcome: "welcome",
    Enrol: "enrol",
    Certificate: "certificate",
    RaiseRequest: "raise_request",
    Look: "look",
    Overview: "overview",
    Decide: "decide",
    AddDevice: "add_device",
    DrawReserve: "draw_reserve",
}

Message = TypeVar(
    "Message",
    Sync,
    Answer,
    Hello,
    Welcome,
    Enrol,
    Certificate,
    RaiseRequest,
    Look,
    Overview,
    Decide,
    AddDevice,
    DrawReserve,
)
Sign = Callable[[str, bytes], bytes]
"""Signs a body for a domain with the sender's key (`signing.sign` with its key filled in)."""
Check = Callable[[str, bytes, bytes], bool]
"""Whether a signature is the expected sender's (`signing.verify` with the key filled in)."""


class NotSigned(ValueError):
    """The signature is not the expected sender's, or the body is another type's."""


class Sealed(NamedTuple):
    """A message as it travels and as it is kept: body, and detached signature."""

    body: bytes
    signature: bytes


def write(message: Message) -> bytes:
    """The message's canonical bytes."""
    fields = msgspec.to_builtins(message)
    return canonical({"v": VERSION, "type": TYPES[type(message)], **fields})


def read(kind: type[Message], body: bytes) -> Message:
    """Read a message of this kind. Raises `NotCanonical` for anything else."""
    value = parse(body)
    if not isinstance(value, dict) or value.get("v") != VERSION:
        raise NotCanonical(f"not a message of version {VERSION}")
    if value.get("type") != TYPES[kind]:
        raise NotCanonical(f"a {value.get('type')!r} is not a {TYPES[kind]!r}")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise NotCanonical(f"not a {TYPES[kind]}: {error}") from error


def seal(message: Message, sign: Sign) -> Sealed:
    """Write and sign a message."""
    body = write(message)
    return Sealed(body, sign(TYPES[type(message)], body))


def unseal(kind: type[Message], sealed: Sealed, check: Check) -> Message:
    """Check the signature, then read. Raises `NotSigned` or `NotCanonical`."""
    if not check(TYPES[kind], sealed.body, sealed.signature):
        raise NotSigned(f"this {TYPES[kind]} is not signed by the key it should be")
    return read(kind, sealed.body)
