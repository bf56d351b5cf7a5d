"""The device's rules for what it hears: answers, doubt, new incarnations (R9, R10).

Doubt is one rule for a restored, copied, forgotten or forked ledger: spend nothing, ask for a new
incarnation, and start it with nothing. The old one's rights stay committed on the server.
"""

from collections.abc import Sequence
from typing import Protocol

from agentspend.core.allowance.accounts import EMPTY, Place
from agentspend.core.allowance.device import Device
from agentspend.core.allowance.messages import (
    Answer,
    Hello,
    Link,
    Status,
    Sync,
    Told,
    Want,
    Welcome,
)
from agentspend.core.allowance.standing import Pending, Standing, State


class Chain(Protocol):
    """The device's own ledger, as far as these rules look at it."""

    @property
    def end(self) -> Link:
        """Its last entry."""
        ...

    def hash_at(self, seq: int) -> str:
        """The hash of an entry; "" for 0. Asked only up to the end."""
        ...


def opened(device: Device, identity: str) -> None:
    """The ledger was opened at a place with this identity: elsewhere than before is a doubt."""
    if device.standing.identity != identity:
        doubt(device.standing, "this ledger was restored or copied from another place")
        device.standing.identity = identity


def doubt(standing: Standing, reason: str) -> None:
    """R10: no team rights are used until a new incarnation is there."""
    standing.state = State.DOUBT
    standing.reason = reason


def to_sync(
    device: Device,
    chain: Chain,
    *,
    team: str,
    nonce: str,
    entries: Sequence[str],
    policy: int,
    wants: Sequence[Want],
) -> Sync | None:
    """R6: the report from `acked_seq` on; None while in doubt, when silence is all we owe.

    `entries` are the bodies that follow `acked_seq`, in order, as many as the caller will send.
    """
    standing = device.standing
    if standing.state is State.DOUBT:
        return None
    return Sync(
        team=team,
        device=standing.device,
        inc=standing.inc,
        nonce=nonce,
        server_inc=standing.server_inc,
        server_seq=standing.server_seq,
        after_seq=standing.acked_seq,
        end=chain.end,
        entries=tuple(entries),
        policy=policy,
        wants=tuple(wants) if standing.state is State.ACTIVE else (),
    )


def answered(device: Device, chain: Chain, answer: Answer) -> dict[Place, int]:
    """R9: take an answer in, in any order and any number of times.

    Answers what the server asks back: how much to keep in each account (`Device.give_back`).
    """
    standing = device.standing
    if standing.state is State.DOUBT or answer.inc != standing.inc:
        return {}
    if answer.server_inc < standing.server_inc:
        return {}
    standing.server_inc = answer.server_inc
    standing.server_seq = max(standing.server_seq, answer.server_seq)
    if reason := _doubtful(answer, chain):
        doubt(standing, reason)
        return {}
    if answer.resend:
        standing.acked_seq = answer.acked.seq
    else:
        standing.acked_seq = max(standing.acked_seq, answer.acked.seq)
    if answer.status is not Status.ACTIVE:
        standing.state = State.RETIRING
        standing.succeeds = answer.status in (Status.SUPERSEDED, Status.LOST)
        standing.reason = f"the team server says this ledger is {answer.status.value}"
    return _told(device, answer.accounts)


def is_outdated(standing: Standing, answer: Answer, policy: int) -> bool:
    """Whether what came with an answer is older than the `policy` in force: it comes from a server
    that another took over from, it was overtaken by a later answer of the same one, or it is about
    a ledger that is no more, perhaps in a team that was left meanwhile."""
    if answer.inc != standing.inc:
        return True
    if answer.server_inc != standing.server_inc:
        return answer.server_inc < standing.server_inc
    return answer.server_seq < standing.server_seq and answer.policy < policy


def _doubtful(answer: Answer, chain: Chain) -> str:
    """Why this answer cannot be about the ledger we have; "" when it can."""
    if answer.status is Status.UNKNOWN:
        return "the team server does not know this ledger"
    if answer.status is Status.FORKED:
        return "the team server has two different ledgers of this name"
    if answer.acked.seq > chain.end.seq:
        return "the team server has more entries of this ledger than we do"
    if answer.acked.hash != chain.hash_at(answer.acked.seq):
        return "the team server has other entries of this ledger than we do"
    return ""


def _told(device: Device, accounts: Sequence[Told]) -> dict[Place, int]:
    """Windows only move forward, grants only grow."""
    windows = device.standing.windows
    keep_nusd = {}
    for told in accounts:
        place = Place(told.pool, told.window)
        windows[told.pool] = max(windows.get(told.pool, told.window), told.window)
        before = device.accounts.get(place, EMPTY)
        after = before.granted(told.granted_nusd)
        if after is not before or place not in device.accounts:
            device.accounts[place] = after
        if told.keep_nusd is not None:
            keep_nusd[place] = told.keep_nusd
    return keep_nusd


def is_reported(device: Device, chain: Chain) -> bool:
    """Whether the server has everything: all closed, nothing in flight, all acknowledged."""
    closed = all(account.closed for account in device.accounts.values())
    return closed and not device.holds and device.standing.acked_seq == chain.end.seq


def to_hello(
    device: Device, chain: Chain, *, team: str, nonce: str, anchor_sha256: str
) -> Hello | None:
    """R10: ask for a new incarnation, when that is due; the same question until it is answered.

    `nonce` is a fresh one, used unless a question from this very identity is still open: a copy
    of the ledger must not receive the answer to its twin's question. Requests in flight are
    settled first. A retired device goes on reporting meanwhile: the server may forget.
    """
    standing = device.standing
    due = standing.state is State.DOUBT or (standing.succeeds and is_reported(device, chain))
    if not due or device.holds:
        return None
    if standing.pending is None or standing.pending.identity != standing.identity:
        standing.pending = Pending(nonce, standing.identity)
    return Hello(
        team=team,
        device=standing.device,
        old_inc=standing.inc,
        nonce=standing.pending.nonce,
        reason=standing.reason,
        anchor_sha256=anchor_sha256,
    )


def welcomed(standing: Standing, welcome: Welcome) -> Standing | None:
    """The standing of the new incarnation; None when this answers no question of ours.

    The caller begins a new chain, with no accounts and no holds.
    """
    pending = standing.pending
    if pending is None or welcome.in_reply_to != pending.nonce:
        return None
    if pending.identity != standing.identity:
        return None
    return Standing(
        device=standing.device,
        inc=welcome.inc,
        identity=standing.identity,
        server_inc=max(standing.server_inc, welcome.server_inc),
        server_seq=max(standing.server_seq, welcome.server_seq),
        windows=dict(standing.windows),
    )
