"""The journal of decisions: what the server alone writes, on disk before anyone is answered [D4].

Every line states a whole fact, never a change, so that reading lines twice does no harm. A server
restored from a backup reads the lines that follow the backup and stands where it stood: no grant,
no incarnation, no lowered cap is forgotten, and no device has to be waited for. What devices wrote
they send again. The journal is also the lock of two servers: only the newest one may write.
"""

from dataclasses import dataclass

from agentspend.core.allowance.messages import Status


@dataclass(frozen=True, slots=True)
class Granted:
    """This much was granted in all to an account."""

    inc: str
    pool: str
    window: int
    granted_nusd: int


@dataclass(frozen=True, slots=True)
class Began:
    """A new incarnation of a device, and the question it answers."""

    inc: str
    device: str
    nonce: str


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


Line = Granted | Began | Ranked | Opened | Served


def may_write(server_inc: int, newest_inc: int) -> bool:
    """Whether a server may still write: not once a newer one has taken over."""
    return server_inc >= newest_inc
