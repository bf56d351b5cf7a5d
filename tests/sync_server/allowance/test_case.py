"""What one decision reads and changes."""

from agentspend.core.allowance.accounts import Account, Place
from tests.sync_server.made import ORG, case


def test_an_account_and_its_pool_change_together() -> None:
    """The sums are never behind the accounts."""
    made = case(granted=40)
    made.put(ORG, Account(40, 10))
    assert made.accounts[ORG].committed_nusd == made.pools["org"].committed_nusd == 30


def test_a_pool_that_is_gone_changes_nothing() -> None:
    """Entries may still name it."""
    made = case()
    made.put(Place("gone", 1), Account(40))
    assert made.accounts == {}
