"""One account: what is committed, outstanding and free, whatever happens to it."""

from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.allowance.accounts import Account

NUSD = st.integers(0, 10**12)
ACCOUNTS = st.builds(Account, NUSD, NUSD, NUSD, st.booleans(), NUSD, st.booleans())


@given(ACCOUNTS)
def test_no_more_can_be_spent_than_is_committed(account: Account) -> None:
    """What was used, and what is still outstanding, never pass what the server counts."""
    assert account.used_nusd <= account.committed_nusd
    assert account.used_nusd + account.outstanding_nusd <= account.committed_nusd
    assert account.free_nusd <= account.outstanding_nusd or account.written_off


@given(ACCOUNTS, NUSD)
def test_a_grant_only_grows_and_any_order_gives_the_same(account: Account, nusd: int) -> None:
    """Repeated, old and reordered grants change nothing: the larger number wins."""
    once = account.granted(nusd)
    assert once.granted(nusd) == once
    assert once.granted_nusd >= account.granted_nusd
    assert account.granted(nusd).granted(7) == account.granted(7).granted(nusd)


@given(ACCOUNTS, NUSD, NUSD)
def test_a_closed_account_gets_nothing(account: Account, nusd: int, more_nusd: int) -> None:
    """After the close there is neither a grant nor room, and what was used is what counts."""
    closed = account.after(nusd, 0, closes=True)
    assert closed.granted(account.granted_nusd + more_nusd) == closed
    assert closed.free_nusd == closed.outstanding_nusd == 0
    assert closed.committed_nusd == account.used_nusd + nusd


@given(NUSD, st.data())
def test_settling_within_a_hold_commits_nothing_new(granted_nusd: int, data: st.DataObject) -> None:
    """Of an account that was never overrun, charges and returns never raise what is committed."""
    account = Account(granted_nusd)
    for _ in range(5):
        used_nusd = data.draw(st.integers(0, account.free_nusd))
        after = account.after(used_nusd, 0, closes=False)
        returned_nusd = data.draw(st.integers(0, after.free_nusd))
        after = after.after(0, returned_nusd, closes=False)
        assert after.committed_nusd <= account.committed_nusd
        account = after
    assert account.after(0, 0, closes=True).committed_nusd <= account.committed_nusd


def test_a_charge_above_the_hold_is_told_truly() -> None:
    """An overrun counts in full, and leaves nothing free."""
    account = Account(100).holding(60).holding(-60).after(130, 0, closes=False)
    assert account.committed_nusd == 130
    assert account.free_nusd == -30
    assert account.outstanding_nusd == 0
