"""What an entry does to accounts: the one fold of device, server and auditor."""

import pytest

from agentspend.core.allowance.accounts import EMPTY, Account, Place
from agentspend.core.allowance.effects import apply, effects

ORG, DAY = Place("p_org", 7), Place("p_day", 20_391)
RIGHTS = [("p_org", 7, 50), ("p_day", 20_391, 50)]


def test_a_request_costs_the_same_in_every_pool_it_matches() -> None:
    """A settle is used in each of its accounts."""
    accounts = {ORG: Account(100)}
    apply(accounts, effects("settle", 50, RIGHTS))
    assert accounts == {ORG: Account(100, 0, 50), DAY: Account(0, 0, 50)}


def test_returns_have_an_amount_for_each_account() -> None:
    """Rights given back in one pool stay in another."""
    accounts = {ORG: Account(100), DAY: Account(100)}
    apply(accounts, effects("return", 0, [("p_org", 7, 30), ("p_day", 20_391, 90)]))
    assert [account.returned_nusd for account in accounts.values()] == [30, 90]


def test_a_close_closes_what_it_names() -> None:
    """Other accounts stay open."""
    accounts = {ORG: Account(100), DAY: Account(100)}
    apply(accounts, effects("close", 0, [("p_org", 7, 0)]))
    assert [account.closed for account in accounts.values()] == [True, False]


def test_an_adjust_downward_gives_nothing_back_by_itself() -> None:
    """It changes no account; an adjust upward is used like a charge."""
    assert effects("adjust", -50, [("p_org", 7, 0)]) == effects("adjust", 0, [("p_org", 7, 0)])
    accounts: dict[Place, Account] = {}
    apply(accounts, effects("adjust", 5, [("p_org", 7, 5)]))
    assert accounts[ORG] == EMPTY.after(5, 0, closes=False)


@pytest.mark.parametrize(
    ("kind", "amount_nusd", "rights"),
    [
        ("settle", 50, [("p_org", 7, 49)]),
        ("settle", 50, [("p_org", 7, 50), ("p_org", 7, 50)]),
        ("return", 0, [("p_org", 7, -1)]),
        ("return", 0, [("p_org", "7", 1)]),
        ("return", 0, [("p_org", 7, True)]),
        ("return", 0, [("p_org", 7)]),
        ("note", 0, [("p_org", 7, 1)]),
    ],
    ids=str,
)
def test_rights_no_device_would_write_are_refused(
    kind: str, amount_nusd: int, rights: list[tuple[object, ...]]
) -> None:
    """Charging less than the entry says, twice, below zero, or from the wrong kind of entry."""
    with pytest.raises(ValueError):
        effects(kind, amount_nusd, rights)
