"""The simulation sees what it is there to see: each seeded mistake is caught, or this fails."""

import pytest

from tests.simulation.team.__main__ import STEPS_EACH
from tests.simulation.team.mutants import MUTANTS, Mutant
from tests.simulation.team.world import history

pytestmark = pytest.mark.bounded


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.plant.__name__)
def test_a_seeded_mistake_is_caught(mutant: Mutant) -> None:
    """Within its number of steps some invariant breaks; the same seeds hold without it."""
    with mutant.plant():
        for seed in range(1, mutant.steps // STEPS_EACH + 1):
            found = history(seed, STEPS_EACH, twins=mutant.twins, teams=mutant.teams)
            if found.fault:
                return
    pytest.fail(f"{mutant.plant.__name__} survived {mutant.steps:,} steps")
