"""Make a journal's line true: at every start for the lines the database lacks, and for decisions
of people (caps, windows, statuses), which are written as lines first.

After a restore this brings back everything the server alone wrote. What devices wrote (returns,
charges, closings) comes back with their next upload; until then accounts are counted at what was
granted, which is never less.
"""

from agentspend.core.allowance.accounts import EMPTY, Place
from sync_server.allowance.case import Case
from sync_server.allowance.incarnations import begun, ranked
from sync_server.allowance.journal import Acted, Began, Filed, Granted, Line, Opened, Ranked, Served
from sync_server.allowance.pools import PoolState


def replay(case: Case, line: Line) -> None:
    """Apply one line to the incarnation or pool it names; the caller has loaded it."""
    match line:
        case Granted():
            place = Place(line.pool, line.window)
            account = case.accounts.get(place, EMPTY)
            case.put(place, account.granted(line.granted_nusd))
        case Began():
            case.incarnation = case.incarnation or begun(line)
        case Ranked():
            ranked(case, line.status)
        case Opened():
            case.pools[line.pool] = opened(case.pools.get(line.pool), line)
        case Served() | Filed() | Acted():
            pass  # no account depends on them; the store writes them down


def opened(pool: PoolState | None, line: Opened) -> PoolState:
    """A pool as a line says it is. A window that has begun stays begun."""
    if pool is None:
        return PoolState(line.pool, line.cap_nusd, line.window, line.ends_us)
    return pool.rolled(line.window, line.ends_us).with_cap(line.cap_nusd)
