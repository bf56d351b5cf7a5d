"""What device and server say to each other, as values; `wire.team` gives them their bytes.

Amounts are nano-USD, moments UTC microseconds. Field names are the names on the wire.
"""

from dataclasses import dataclass
from enum import StrEnum


class Lacking(StrEnum):
    """What is still missing for a request that waits: nothing; it is not to be had; or it lies on
    other devices, which have just been asked for it, so that it is worth asking again."""

    NOTHING = ""
    DRY = "dry"
    COMING = "coming"


class Status(StrEnum):
    """What the server thinks of an incarnation. Only an active one gets grants; all may report."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    LOST = "lost"
    FORKED = "forked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: the number of its last entry, and that entry's hash ("" at 0)."""

    seq: int
    hash: str


NOTHING = Link(0, "")


@dataclass(frozen=True, slots=True)
class Want:
    """What a device would like in one pool.

    `burn_nusd` is its recent spending there, `need_nusd` the hold that did not fit (0: none),
    `held_nusd` what its requests in flight hold.
    """

    pool: str
    burn_nusd: int = 0
    need_nusd: int = 0
    held_nusd: int = 0


@dataclass(frozen=True, slots=True)
class Sync:
    """A device reports its ledger from `after_seq` on, and asks for rights.

    `end` is the end of its chain, `entries` the bodies after `after_seq` (not always up to the
    end). `server_inc` and `server_seq` are the highest it has seen: a server that knows less has
    forgotten something.
    """

    team: str
    device: str
    inc: str
    nonce: str
    server_inc: int
    server_seq: int
    after_seq: int
    end: Link
    entries: tuple[str, ...]
    policy: int
    wants: tuple[Want, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One account as the server has it. `keep_nusd`: please return what is free above it.

    `lacking`: whether what was needed here is still not there.
    """

    pool: str
    window: int
    granted_nusd: int
    keep_nusd: int | None = None
    ends_us: int | None = None
    lacking: Lacking = Lacking.NOTHING


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer to a `Sync`, and the device's receipt for what it reported.

    `acked` is the end of the chain as the server has it; `resend` asks for what follows it.
    `server_seq` is the length of the server's journal of decisions. `accounts` names every
    account still open, and the running window of every pool that is wanted or has one. `audit` is
    the head of the server's own chain of people's decisions: every device is a witness of it.
    """

    device: str
    inc: str
    in_reply_to: str
    server_inc: int
    server_seq: int
    server_us: int
    status: Status
    acked: Link
    resend: bool
    accounts: tuple[Told, ...]
    policy: int
    policy_sha256: str
    audit: str


@dataclass(frozen=True, slots=True)
class Hello:
    """A device whose ledger is in doubt, or retired, asks for a new incarnation.

    Answered once for each `nonce`, however often it arrives.
    """

    team: str
    device: str
    old_inc: str
    nonce: str
    reason: str
    anchor_sha256: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """A new incarnation: an empty ledger and no rights."""

    device: str
    inc: str
    in_reply_to: str
    server_inc: int
    server_seq: int
    server_us: int


@dataclass(frozen=True, slots=True)
class Enrol:
    """A new device joins with an invite's code and its own public key (hex)."""

    code: str
    label: str
    nonce: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """The server's word on who a device is. The first incarnation comes with it."""

    team: str
    device: str
    member: str
    role: str
    label: str
    inc: str
    in_reply_to: str
    public_key: str
    server_key: str
    server_inc: int
    server_seq: int
    server_us: int


@dataclass(frozen=True, slots=True)
class RaiseRequest:
    """A developer at a cap asks the leads for more. `pool` "" is the one with the least left."""

    team: str
    device: str
    nonce: str
    pool: str
    amount_nusd: int
    reason: str


@dataclass(frozen=True, slots=True)
class Look:
    """A device asks how its team stands: somebody looks at a screen. Changes nothing."""

    team: str
    device: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Burner:
    """One member in one pool's running window: spent, and allowance that lies on their devices.

    `lately_nusd` is all they spent since the last full hour began, in whatever pool; `seen_us` is
    when one of their devices was heard last (0: never).
    """

    member: str
    spent_nusd: int
    out_nusd: int
    lately_nusd: int
    seen_us: int


@dataclass(frozen=True, slots=True)
class PoolSeen:
    """One pool as the server has it. `spent_nusd` and `out_nusd` together are committed.

    `members` are those this device's member may see, most spent first; `others` counts the rest of
    them, who spent `others_nusd`. `reserve_nusd` is kept for an emergency: not free before it is
    drawn.
    """

    pool: str
    level: str
    window: str
    cap_nusd: int
    spent_nusd: int
    out_nusd: int
    free_nusd: int
    ends_us: int | None
    members: tuple[Burner, ...] = ()
    others: int = 0
    others_nusd: int = 0
    reserve_nusd: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """A raise that somebody asks for and nobody has answered."""

    request: str
    member: str
    label: str
    team: str
    pool: str
    amount_nusd: int
    reason: str
    asked_us: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The server's answer to a `Look`. `role` is the member's now, not when the device joined.

    `questions` are the open ones, oldest first: a lead's are everybody's, another's are their own.
    `left_out` counts pools and questions there was no room for.
    """

    device: str
    in_reply_to: str
    server_us: int
    role: str
    frozen: bool
    pools: tuple[PoolSeen, ...]
    questions: tuple[Question, ...]
    left_out: int


class Verdict(StrEnum):
    """What a lead says to a question. An answer taken back leaves the question open again."""

    APPROVE = "approve"
    REFUSE = "refuse"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class Decide:
    """A lead answers a question from a device. `amount_nusd` 0 approves as much as was asked.

    Carried out once for each `nonce`; `heard_us` is the server's clock when the device heard it
    last (0: an older build, which does not say), and an order that is far behind it is refused.
    """

    team: str
    device: str
    request: str
    verdict: Verdict
    amount_nusd: int
    nonce: str = ""
    heard_us: int = 0


@dataclass(frozen=True, slots=True)
class AddDevice:
    """A member lets another machine of theirs in. Answered once for each `nonce`: the same code."""

    team: str
    device: str
    nonce: str


@dataclass(frozen=True, slots=True)
class DrawReserve:
    """A developer draws a pool's emergency reserve, once in its window; the leads are told why.

    `nonce` and `heard_us` as in `Decide`.
    """

    team: str
    device: str
    nonce: str
    pool: str
    reason: str
    heard_us: int = 0
