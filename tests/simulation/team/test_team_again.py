"""Three quarters of a million steps with other seeds, and the one hole with its bound."""

import pytest

from tests.simulation.team.running import holds

pytestmark = pytest.mark.bounded
CHUNK = 25


@pytest.mark.parametrize("first", range(126, 501, CHUNK))
def test_no_cap_is_passed_and_everybody_recovers(first: int) -> None:
    """As in `test_team`, with other seeds."""
    holds(range(first, first + CHUNK))


def test_a_machine_thawed_twice_spends_at_most_what_was_granted_once_more() -> None:
    """The one hole (protocol study §2.8) has a bound, and twins that write are told apart."""
    holds(range(1, 41), twins=True)
