"""A sum over the last minute: never too small, never long too large."""

from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.sliding import GRAIN_US, MINUTE_US, LastMinute

WAITS = st.one_of(
    st.integers(0, 60_000), st.integers(0, 20_000_000), st.integers(59_900_000, 60_000_000)
)
STEPS = st.lists(st.tuples(WAITS, st.integers(0, 50)), max_size=60)


@given(STEPS)
def test_nothing_is_forgotten_early_nor_kept_long(steps: list[tuple[int, int]]) -> None:
    """The sum lies between the exact last minute's and that of a tenth of a second more."""
    minute, done, now_us = LastMinute(), list[tuple[int, int]](), 0
    for wait_us, amount in steps:
        now_us += wait_us
        minute.add(now_us, amount)
        done.append((now_us, amount))
        exact = sum(a for at, a in done if at > now_us - MINUTE_US)
        at_most = sum(a for at, a in done if at > now_us - MINUTE_US - GRAIN_US)
        assert exact <= minute.used <= at_most


@given(STEPS, st.integers(0, 80), st.integers(1, 80))
def test_it_fits_when_it_was_said_to_and_not_before(
    steps: list[tuple[int, int]], amount: int, limit: int
) -> None:
    """At that moment the sum and the amount are within the limit, or nothing is used at all."""
    minute, now_us = LastMinute(), 0
    for wait_us, used in steps:
        now_us += wait_us
        minute.add(now_us, used)

    def fits() -> bool:
        return minute.used == 0 or minute.used + amount <= limit

    wait_us = minute.fits_in_us(now_us, amount, limit)
    if wait_us:
        minute.roll(now_us + wait_us - 1)
        assert not fits()
    minute.roll(now_us + wait_us)
    assert fits()


def test_a_use_is_lowered_while_it_counts_and_not_after() -> None:
    """A bound gives way to what was really used; what has slid out is not taken off twice."""
    minute = LastMinute()
    use = minute.add(0, 100)
    minute.add(30_000_000, 7)
    minute.lower(40_000_000, use, 60)
    assert minute.used == 47
    minute.roll(MINUTE_US)
    assert minute.used == 7
    minute.lower(MINUTE_US, use, 40)
    assert minute.used == 7


def test_a_busy_minute_stays_small() -> None:
    """A million uses are a few hundred sums."""
    minute = LastMinute()
    for number in range(100_000):
        minute.add(number * 600, 1)
    assert minute.used == 100_000
    assert len(minute._uses) <= MINUTE_US // GRAIN_US + 1
