"""How often each fault must have happened in a run, or the run proves nothing and fails.

The figures are for a minute on a slow machine, a third of what two processors reach or less.
"""

from tests.chaos import schedule
from tests.chaos.device import DIED, KILLED
from tests.chaos.load import CUT_OFF, IN_DOUBT, REFUSED, SERVED
from tests.chaos.network import LINE_CUT, PLAYED_AGAIN
from tests.chaos.weather import Fate

MINUTE_S = 60.0
IN_A_MINUTE: dict[str, int] = {
    Fate.LATE: 6,
    Fate.REQUEST_LOST: 8,
    Fate.ANSWER_LOST: 8,
    Fate.ANSWER_CUT: 6,
    Fate.TWICE: 5,
    Fate.STRAY: 5,
    PLAYED_AGAIN: 60,
    LINE_CUT: 3,
    KILLED: 12,
    DIED: 1,
    schedule.KILL_SERVER: 8,
    schedule.CUT_OFF: 4,
    schedule.LOWER: 4,
    schedule.RAISE: 8,
    schedule.REQUEST: 1,
    SERVED: 80,
    CUT_OFF: 1,
    REFUSED: 40,
    IN_DOUBT: 5,
}
IN_ANY_RUN: dict[str, int] = {
    schedule.CLONE: 2,
    **{f"{schedule.RESTORE}: {way}": 1 for way in schedule.WAYS},
}


def least(lasts_s: float) -> dict[str, int]:
    """What a run of this length must reach."""
    share = lasts_s / (MINUTE_S * schedule.pace(lasts_s))
    return {**{name: int(count * share) for name, count in IN_A_MINUTE.items()}, **IN_ANY_RUN}
