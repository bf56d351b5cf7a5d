"""Spending that no account of a pool holds: from before its cap was set, or before its device knew.

It counts in the pool all the same, from the start of the running window on. Counting it only ever
takes from what may be granted, so the theorem does not rest on it, nor on the device's clock that
says when it was: a device that has adopted the policy spends nothing there without rights. What
names a right in the pool, of whatever window, is counted by its account and never here; where there
is none, since the report came while the cap was taken away, it counts when the cap is set again.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

from agentspend.core.scopes import Payer, Scope
from agentspend.wire.entry_reader import Read
from sync_server.allowance.case import ALONE, Case
from sync_server.belonging import Belonging

BILLED = "billed"


@dataclass(frozen=True, slots=True)
class Terms:
    """Whose spending counts in a pool (besides its team and member), and since when (UTC µs)."""

    scope: Scope
    starts_us: int


TermsOf = Callable[[str], Terms]


def counts(
    said: Read, pool: str, terms: Terms, belongs: Belonging = ALONE, windows: Container[int] = ()
) -> bool:
    """Whether an entry is spending in this pool that none of its accounts holds. `belongs` are the
    teams of who wrote it, `windows` those in which its ledger has an account there."""
    return (
        _is_spending(said)
        and belongs.counts(said, pool)
        and _at_us(said) >= terms.starts_us
        and not any(right[0] == pool and right[1] in windows for right in said.rights or ())
        and terms.scope.matches(_payer(said))
    )


def charge(case: Case, said: Iterable[Read], terms_of: TermsOf) -> None:
    """Count what a report says was spent without rights in a pool of its device's.

    What was spent for a team counts in its pools and in no other team's, also when its member has
    left it since; rights of a cap that was taken away excuse nothing.
    """
    in_force = case.pools.keys() - (case.gone - case.left)
    by_team: dict[str, frozenset[str]] = {}
    matches: dict[tuple[str, str, object], bool] = {}
    for each in said:
        named = {right[0] for right in each.rights or ()}
        if named.issuperset(in_force) or not _is_spending(each):
            continue
        team = case.belongs.team_of(each)
        if team not in by_team:
            others = {pool for pool, owner in case.belongs.owners.items() if owner != team}
            by_team[team] = frozenset(in_force - others)
        lacking = by_team[team] - named
        if not lacking:
            continue
        tags = getattr(each, "tags", None)
        for pool in lacking:
            words = (pool, each.project, tuple(tags) if tags else None)
            here = matches.get(words)
            if here is None:
                here = matches[words] = terms_of(pool).scope.matches(_payer(each))
            if here and _at_us(each) >= terms_of(pool).starts_us:
                case.pools[pool] = case.pools[pool].charged_late(each.charged_nusd)


def _is_spending(said: Read) -> bool:
    return said.kind == "settle" and said.counted == BILLED and said.charged_nusd > 0


def _at_us(said: Read) -> int:
    """When it counts, by the device's clock."""
    return getattr(said, "held_at", None) or said.ts


def _payer(said: Read) -> Payer:
    """Who pays, as far as a pool asks; an entry of another build may lack what ours has."""
    return Payer(project=said.project, tags=tuple(getattr(said, "tags", None) or ()))
