"""A pool's sums: what may be granted, through windows, caps and write-offs."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.allowance.accounts import EMPTY, Account
from sync_server.allowance.pools import PoolState

NUSD = st.integers(0, 1_000)
ACCOUNTS = st.builds(Account, NUSD, NUSD, NUSD, st.booleans())


def test_what_is_granted_is_no_longer_available() -> None:
    """Spending it changes nothing; returning it does."""
    pool = PoolState("org", 1_000, 3).changed(3, EMPTY, Account(400))
    assert pool.available_nusd == 600
    assert pool.changed(3, Account(400), Account(400, 0, 300)).available_nusd == 600
    assert pool.changed(3, Account(400), Account(400, 100, 300)).available_nusd == 700


def test_a_new_window_holds_back_what_may_still_be_spent() -> None:
    """A laptop asleep at midnight: its old rights come out of the new window."""
    pool = PoolState("org", 1_000, 3).changed(3, EMPTY, Account(400, 0, 100)).rolled(4, None)
    assert (pool.committed_nusd, pool.holdback_nusd, pool.available_nusd) == (0, 300, 700)


def test_what_a_lost_device_spent_above_its_rights_counts_when_it_is_heard() -> None:
    """It was counted as having spent all it had; what it tells beyond that was in no sum. In the
    running window the account holds it."""
    spent = Account(10, 0, 2)
    lost = replace(spent, written_off=True)
    pool = PoolState("org", 1_000, 3).changed(3, EMPTY, spent)
    told = [lost, lost.after(7, 0, closes=False), lost.after(30, 0, closes=False)]
    here = pool.changed(3, spent, lost)
    past = pool.rolled(4, None).changed(3, spent, lost)
    taken = []
    for before, after in pairwise(told):
        here, past = here.changed(3, before, after), past.changed(3, before, after)
        taken.append((here.committed_nusd, past.late_nusd))
    assert taken == [(10, 8), (32, 30)]


def test_what_is_heard_late_is_charged_to_the_window_it_is_heard_in() -> None:
    """It may have been spent in this one. What is closed unspent is free again."""
    before = Account(400, 0, 100)
    pool = PoolState("org", 1_000, 3).changed(3, EMPTY, before).rolled(4, None)
    used = replace(before, used_nusd=250)
    pool = pool.changed(3, before, used)
    assert (pool.past_nusd, pool.late_nusd, pool.available_nusd) == (150, 150, 700)
    pool = pool.changed(3, used, replace(used, closed=True))
    assert pool.available_nusd == 850
    assert pool.rolled(5, None).available_nusd == 1_000


def test_a_write_off_is_charged_once() -> None:
    """All that was outstanding counts as spent now; reports that come after all add nothing."""
    before = Account(400, 0, 100)
    pool = PoolState("org", 1_000, 3).changed(3, EMPTY, before).rolled(4, None)
    gone = replace(before, written_off=True)
    pool = pool.changed(3, before, gone)
    assert (pool.past_nusd, pool.late_nusd) == (0, 300)
    pool = pool.changed(3, gone, replace(gone, used_nusd=400))
    assert pool.late_nusd == 300
    assert pool.rolled(5, None).available_nusd == 1_000


def test_a_cap_below_what_is_committed_stops_all_grants() -> None:
    """It is not an error: what is out comes back little by little."""
    pool = PoolState("org", 1_000, 3).changed(3, EMPTY, Account(400)).with_cap(300)
    assert pool.available_nusd == -100


def test_a_window_never_moves_back() -> None:
    """A clock that was set back reopens nothing."""
    pool = PoolState("org", 1_000, 3).changed(3, EMPTY, Account(400))
    assert pool.rolled(3, 5) == pool.rolled(2, 5) == pool


def test_a_foreign_branch_is_charged_now() -> None:
    """The other side of a fork has spent, in no account of ours."""
    assert PoolState("org", 1_000, 3).charged_late(70).available_nusd == 930


@given(st.lists(st.tuples(st.integers(0, 3), ACCOUNTS, st.integers(0, 1)), max_size=20))
def test_kept_sums_are_counted_sums(changes: list[tuple[int, Account, int]]) -> None:
    """After any changes in any windows the sums are those of the accounts."""
    pool = PoolState("org", 1_000, 1)
    accounts: dict[tuple[int, int], Account] = {}
    for device, after, roll in changes:
        window = pool.window
        pool = pool.changed(window, accounts.get((device, window), EMPTY), after)
        accounts[device, window] = after
        pool = pool.rolled(pool.window + roll, None)
    here = [account for (_, window), account in accounts.items() if window == pool.window]
    past = [account for (_, window), account in accounts.items() if window < pool.window]
    assert pool.committed_nusd == sum(account.committed_nusd for account in here)
    assert pool.outstanding_nusd == sum(account.outstanding_nusd for account in here)
    assert pool.past_nusd == sum(account.outstanding_nusd for account in past)
