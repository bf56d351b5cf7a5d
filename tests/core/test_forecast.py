"""The pace of spending, and when it empties a budget."""

from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.forecast import US_PER_H, buckets, burn_nusd_per_h, empty_at_us

NOW_US = 10 * US_PER_H


def test_the_pace_is_that_of_half_an_hour() -> None:
    """A dollar in the last half hour is two dollars an hour."""
    assert burn_nusd_per_h(10**9) == 2 * 10**9


def test_a_budget_is_empty_when_its_free_money_is_burnt() -> None:
    """Three dollars at two an hour last an hour and a half; without a pace they last."""
    assert empty_at_us(3 * 10**9, 2 * 10**9, NOW_US) == NOW_US + US_PER_H * 3 // 2
    assert empty_at_us(3 * 10**9, 0, NOW_US) is None
    assert empty_at_us(-1, 5, NOW_US) == NOW_US


@given(st.lists(st.tuples(st.integers(0, NOW_US), st.integers(0, 10**9)), max_size=30))
def test_no_charge_is_lost_between_two_buckets(charges: list[tuple[int, int]]) -> None:
    """Buckets over all of the past add up to everything that was charged."""
    found = buckets(charges, NOW_US, 11, US_PER_H)
    assert sum(found) == sum(nusd for _, nusd in charges)


def test_the_last_bucket_ends_now() -> None:
    """A charge of this moment is in the last one, one of a bucket ago in the one before."""
    assert buckets([(NOW_US, 1), (NOW_US - 60, 2), (NOW_US - 600, 4)], NOW_US, 3, 60) == [0, 2, 1]
