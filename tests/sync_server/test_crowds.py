"""The crowd is counted now and then."""

from sync_server.allowance.sizing import Crowd
from sync_server.crowds import KEPT, RECOUNT_US, Crowds


def test_the_crowd_is_counted_every_few_seconds() -> None:
    """Not in between; and at once when the clock went back."""
    counts = iter([(3, 1), (4, 2), (5, 3)])
    crowds = Crowds()
    assert crowds.at(0, "", lambda: next(counts)) == Crowd(3, 1)
    assert crowds.at(RECOUNT_US - 1, "", lambda: next(counts)) == Crowd(3, 1)
    assert crowds.at(RECOUNT_US, "", lambda: next(counts)) == Crowd(4, 2)
    assert crowds.at(5, "", lambda: next(counts)) == Crowd(5, 3)


def test_who_joins_is_counted_at_once() -> None:
    """The next report finds the new crowd."""
    counts = iter([(3, 1), (4, 2)])
    crowds = Crowds()
    crowds.at(7, "", lambda: next(counts))
    crowds.forget()
    assert crowds.at(8, "", lambda: next(counts)) == Crowd(4, 2)


def test_each_crowd_has_its_count() -> None:
    """And only so many are remembered."""
    crowds = Crowds()
    assert crowds.at(0, "team web", lambda: (3, 1)) == Crowd(3, 1)
    assert crowds.at(0, "", lambda: (9, 2)) == Crowd(9, 2)
    assert crowds.at(1, "team web", lambda: (4, 4)) == Crowd(3, 1)
    for number in range(KEPT):
        crowds.at(1, str(number), lambda: (1, 1))
    assert crowds.at(1, "team web", lambda: (4, 4)) == Crowd(4, 4)
