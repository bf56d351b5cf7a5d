"""R8: what an incarnation gets now, and what it is asked to give back."""

from agentspend.core.allowance.accounts import EMPTY, Account, Place
from agentspend.core.allowance.messages import Lacking, Status, Told, Want
from sync_server.allowance.case import Case, Office
from sync_server.allowance.journal import Granted
from sync_server.allowance.pools import PoolState
from sync_server.allowance.sizing import LEDGERS, bound_nusd, grant_nusd, keep_nusd, lacks


def grant(case: Case, wants: tuple[Want, ...], office: Office) -> list[Granted]:
    """Grant what is wanted and available, in the running windows. The caller has made sure that
    the incarnation is active and that its chain is up to date."""
    lines = []
    for want in wants:
        pool = case.pools.get(want.pool)
        if pool is None or pool.id in case.gone:
            continue
        place = Place(pool.id, pool.window)
        account = case.accounts.get(place, EMPTY)
        if account.closed or account.written_off:
            continue
        crowd = office.crowd_of(case.shared.get(pool.id, ""))
        most_nusd = _most_nusd(case, pool, office)
        more_nusd = grant_nusd(account, pool, want, crowd, office.sizing, most_nusd)
        if more_nusd > 0:
            granted_nusd = account.granted_nusd + more_nusd
            case.put(place, account.granted(granted_nusd))
            lines.append(Granted(_inc(case), pool.id, pool.window, granted_nusd))
    return lines


def told(case: Case, wants: tuple[Want, ...], office: Office) -> tuple[Told, ...]:
    """What the answer says: every open account, and the running window of every pool that is
    wanted or has an open account.

    Open accounts of past windows are named too: an answer that was lost may have been the only
    word of them, and what a device does not know, or does not know to be over, it cannot close.
    """
    wanted = {want.pool: want for want in wants if want.pool in case.pools}
    places = {
        place: account
        for place, account in case.accounts.items()
        if not account.closed and place.pool in case.pools
    }
    for pool in dict.fromkeys([*wanted, *(place.pool for place in places)]):
        place = Place(pool, case.pools[pool].window)
        places.setdefault(place, case.accounts.get(place, EMPTY))
    return tuple(
        _told(place, account, case, wanted.get(place.pool, Want(place.pool)), office)
        for place, account in places.items()
    )


def _told(place: Place, account: Account, case: Case, want: Want, office: Office) -> Told:
    pool: PoolState = case.pools[place.pool]
    running = place.window == pool.window
    keep, lacking = None, Lacking.NOTHING
    if running and case.incarnation is not None and case.incarnation.status is Status.ACTIVE:
        crowd = office.crowd_of(case.shared.get(pool.id, ""))
        keep = keep_nusd(account, pool, want, crowd, office.sizing)
        most_nusd = _most_nusd(case, pool, office)
        if most_nusd is None or account.outstanding_nusd < most_nusd:
            lacking = lacks(account, pool, want)
        if pool.id in case.gone:
            keep, lacking = 0, Lacking.DRY
    ends_us = pool.ends_us if running else None
    return Told(place.pool, place.window, account.granted_nusd, keep, ends_us, lacking)


def _most_nusd(case: Case, pool: PoolState, office: Office) -> int | None:
    """How much of a pool may lie there, for what its member's own caps have left."""
    if pool.id in case.own:
        return None
    own = [case.pools[name] for name in case.own if name in case.pools]
    most_nusd = bound_nusd(pool, own, office.sizing)
    if most_nusd is None:
        return None
    left_behind_nusd = case.left_behind_nusd(Place(pool.id, pool.window))
    return max(0, min(most_nusd, LEDGERS * most_nusd - left_behind_nusd))


def _inc(case: Case) -> str:
    assert case.incarnation is not None
    return case.incarnation.inc
