"""Signs that work goes past the meter: each by what the server knows, and none without a reason."""

from dataclasses import replace

import pytest

from agentspend.core.allowance.messages import Status
from sync_server.signs import DAY_US, MEANS, Facts, Sign, signs

NOW_US = 100 * DAY_US
BUSY = Facts(
    enrolled_us=10 * DAY_US, seen_us=NOW_US, others_us=0, entries=9, last_us=NOW_US, ledgers=1,
    status=Status.ACTIVE,
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (BUSY, []),
        (replace(BUSY, seen_us=10 * DAY_US, entries=0, last_us=None), [Sign.NEVER_SYNCED]),
        (replace(BUSY, enrolled_us=NOW_US, seen_us=NOW_US, entries=0, last_us=None), []),
        (replace(BUSY, seen_us=95 * DAY_US, others_us=NOW_US), [Sign.SILENT]),
        (replace(BUSY, seen_us=95 * DAY_US, others_us=50 * DAY_US), []),
        (replace(BUSY, seen_us=85 * DAY_US), [Sign.GONE]),
        (replace(BUSY, seen_us=85 * DAY_US, others_us=NOW_US), [Sign.SILENT]),
        (replace(BUSY, ahead=True), [Sign.CLOCK]),
        (replace(BUSY, ahead=True, last_us=None), [Sign.CLOCK, Sign.NEVER_SPENT]),
        (replace(BUSY, last_us=None), [Sign.NEVER_SPENT]),
        (replace(BUSY, enrolled_us=98 * DAY_US, last_us=None), []),
        (replace(BUSY, last_us=92 * DAY_US), [Sign.QUIET]),
        (replace(BUSY, status=Status.FORKED), [Sign.FORKED]),
        (replace(BUSY, ledgers=3), [Sign.MANY_LEDGERS]),
    ],
)
def test_what_is_a_sign(facts: Facts, found: list[Sign]) -> None:
    """A machine that is new, or whose owner is away altogether, shows none."""
    assert signs(facts, NOW_US) == found


def test_every_sign_says_what_else_it_may_be() -> None:
    """In words a lead can put to somebody."""
    assert set(MEANS) == set(Sign)
    assert all(len(words) > 60 for words in MEANS.values())
