"""The journal of decisions: what the server alone writes, on disk before anyone is answered [D4].

Every line states a whole fact, never a change, so that reading lines twice does no harm. A server
restored from a backup reads the lines that follow the backup and stands where it stood: no grant,
no incarnation, no lowered cap is forgotten, and no device has to be waited for. What devices wrote
they send again. The journal is also the lock of two servers: only the newest one may write.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from agentspend.core.allowance.messages import Status
from agentspend.wire.canonical import NotCanonical, canonical, parse


@dataclass(frozen=True, slots=True)
class Granted:
    """This much was granted in all to an account."""

    inc: str
    pool: str
    window: int
    granted_nusd: int


@dataclass(frozen=True, slots=True)
class Began:
    """A new incarnation of a device, the question it answers, whom it takes over from, and when by
    the server's clock (0: older lines do not say)."""

    inc: str
    device: str
    nonce: str
    parent: str = ""
    at_us: int = 0


@dataclass(frozen=True, slots=True)
class Ranked:
    """An incarnation's status."""

    inc: str
    status: Status


@dataclass(frozen=True, slots=True)
class Opened:
    """A pool, its cap, and its running window."""

    pool: str
    cap_nusd: int
    window: int
    ends_us: int | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """A server took over; earlier ones may not write any more."""

    server_inc: int


@dataclass(frozen=True, slots=True)
class Filed:
    """A row that people decided on, whole: a team, a member, a device, a pool's definition."""

    table: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Acted:
    """A record of the audit chain, as it is hashed: every device keeps its head as a witness."""

    body: str


Line = Granted | Began | Ranked | Opened | Served | Filed | Acted
KINDS: dict[str, type[Any]] = {
    "granted": Granted,
    "began": Began,
    "ranked": Ranked,
    "opened": Opened,
    "served": Served,
    "filed": Filed,
    "acted": Acted,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


def write_line(line: Line) -> str:
    """A line's canonical text."""
    fields = msgspec.to_builtins(line)
    for name, nothing in (("parent", ""), ("at_us", 0)):
        if fields.get(name) == nothing:
            del fields[name]
    return canonical({"kind": _NAMES[type(line)], **fields}).decode()


def read_line(text: str) -> Line:
    """Read what `write_line` wrote. Raises `NotCanonical` for anything else."""
    value = parse(text.encode())
    kind = KINDS.get(str(value.get("kind"))) if isinstance(value, dict) else None
    if kind is None:
        raise NotCanonical(f"not a line of the journal: {text[:80]}")
    try:
        line: Line = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise NotCanonical(f"not a line of the journal: {error}") from error
    return line


def may_write(server_inc: int, newest_inc: int) -> bool:
    """Whether a server may still write: not once a newer one has taken over."""
    return server_inc >= newest_inc
