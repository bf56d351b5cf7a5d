"""One sync, from the report to the answer: R7, then R8, in one transaction of the caller.

The order outside is the promise of the theorem: the journal's lines are on disk, then the case is
committed, and only then the answer leaves.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from agentspend.core.allowance.accounts import EMPTY
from agentspend.core.allowance.effects import Effect, effects
from agentspend.core.allowance.messages import NOTHING, Answer, Link, Status, Sync
from agentspend.core.money import MAX_NUSD, dollars
from agentspend.wire.canonical import NotCanonical
from sync_server.allowance import grants
from sync_server.allowance.case import Case, Incarnation, Office
from sync_server.allowance.intake import Accepted, Found, Kept, Merge, merge
from sync_server.allowance.journal import Line, Ranked
from sync_server.unheld import TermsOf, charge

Proved = Callable[[], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to journal, to store, and to answer. `entries` of a fork are evidence, not chain: those
    that were not proved before."""

    answer: Answer
    journal: tuple[Line, ...] = ()
    entries: tuple[Accepted, ...] = ()
    forked: bool = False


def serve(
    case: Case,
    sync: Sync,
    hash_at: Callable[[int], str],
    office: Office,
    terms_of: TermsOf | None = None,
    proved: Proved = frozenset,
) -> Outcome:
    """Take a report in and grant what is due. `hash_at` looks up this incarnation's entries,
    `terms_of` whose spending counts in a pool (None: only what has rights there), `proved` the
    hashes of the entries that are evidence of a fork already: they have been counted.

    Raises `NotCanonical` for entries that no device of ours would write; nothing has changed then.
    """
    known = case.incarnation
    if known is None or known.device != sync.device:
        return Outcome(_answer(case, sync, office, Status.UNKNOWN, NOTHING))
    merged = merge(Kept(known.inc, known.end, hash_at), sync.after_seq, sync.entries, sync.end)
    known = case.incarnation = replace(known, moved_nusd=_moved_nusd(known, merged))
    if merged.found is Found.FORK:
        entries = _unproved(known, merged, proved)
        _charge_branch(case, entries, terms_of)
        return _forked(case, known, sync, entries, office)
    case.incarnation = replace(known, end=merged.end)
    _fold(case, merged.effects)
    if terms_of is not None and merged.entries:
        charge(case, [entry.said for entry in merged.entries], terms_of)
    lines: list[Line] = []
    if known.status is Status.ACTIVE and merged.up_to_date and not _behind(sync, office):
        lines += grants.grant(case, sync.wants, office)
    office = replace(office, server_seq=office.server_seq + len(lines))
    answer = _answer(case, sync, office, known.status, merged.end, resend=merged.found is Found.GAP)
    return Outcome(answer, tuple(lines), merged.entries)


def _behind(sync: Sync, office: Office) -> bool:
    """The device has heard from a server that knew more: this one must not grant anything."""
    return sync.server_seq > office.server_seq or sync.server_inc > office.server_inc


def _moved_nusd(known: Incarnation, merged: Merge) -> int:
    """All that a ledger moved. Raises `NotCanonical` beyond the largest amount there is: sums over
    ledgers must stay what a database can add up, whatever one of them says."""
    moved_nusd = known.moved_nusd + merged.moved_nusd
    if moved_nusd > MAX_NUSD:
        raise NotCanonical(f"one ledger cannot move more than {dollars(MAX_NUSD)}")
    return moved_nusd


def _fold(case: Case, done: tuple[Effect, ...]) -> None:
    """What the device wrote about its accounts.

    One of another window that has no rights here is none: what is spent there counts at once, and
    nothing waits in a window to come.
    """
    for place, used_nusd, returned_nusd, closes in done:
        pool = case.pools.get(place.pool)
        before = case.accounts.get(place)
        if pool is not None and before is None and place.window != pool.window:
            case.pools[place.pool] = pool.charged_late(used_nusd)
            continue
        case.put(place, (before or EMPTY).after(used_nusd, returned_nusd, closes=closes))


def _unproved(known: Incarnation, merged: Merge, proved: Proved) -> tuple[Accepted, ...]:
    """What a fork brings that is not evidence yet."""
    before = proved() if known.status is Status.FORKED else frozenset()
    return tuple(entry for entry in merged.entries if entry.hash not in before)


def _charge_branch(case: Case, branch: tuple[Accepted, ...], terms_of: TermsOf | None) -> None:
    """The other branch counts in every pool, whether or not it had rights there: its accounts are
    the first branch's."""
    for _, said, _ in branch:
        for place, used_nusd, _, _ in effects(said.kind, said.charged_nusd, said.rights or ()):
            if used_nusd and place.pool in case.pools:
                case.pools[place.pool] = case.pools[place.pool].charged_late(used_nusd)
    if terms_of is not None:
        charge(case, (entry.said for entry in branch), terms_of)


def _forked(
    case: Case, known: Incarnation, sync: Sync, entries: tuple[Accepted, ...], office: Office
) -> Outcome:
    """Two ledgers of one name: no grants ever again, and both branches count as spent."""
    lines: tuple[Line, ...] = ()
    if known.status is not Status.FORKED:
        case.incarnation = replace(known, status=Status.FORKED)
        lines = (Ranked(known.inc, Status.FORKED),)
    office = replace(office, server_seq=office.server_seq + len(lines))
    answer = _answer(case, sync, office, Status.FORKED, known.end)
    return Outcome(answer, lines, entries, forked=bool(lines or entries))


def _answer(
    case: Case, sync: Sync, office: Office, status: Status, acked: Link, *, resend: bool = False
) -> Answer:
    reads = status not in {Status.UNKNOWN, Status.FORKED}
    return Answer(
        device=sync.device,
        inc=sync.inc,
        in_reply_to=sync.nonce,
        server_inc=office.server_inc,
        server_seq=office.server_seq,
        server_us=office.now_us,
        status=status,
        acked=acked,
        resend=resend,
        accounts=grants.told(case, sync.wants, office) if reads else (),
        policy=office.policy,
        policy_sha256=office.policy_sha256,
        audit=office.audit,
    )
