"""The journal read back: after a restore the server's own words stand where they stood."""

from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.allowance.accounts import Account
from agentspend.core.allowance.messages import Status
from sync_server.allowance.case import Case
from sync_server.allowance.journal import Began, Granted, Line, Opened, Ranked, Served
from sync_server.allowance.pools import PoolState
from sync_server.allowance.replay import opened, replay
from tests.sync_server.made import ORG

LINES: list[Line] = [
    Served(1),
    Opened("org", 1_000, 3),
    Began("i_1", "d_1", "n_1"),
    Granted("i_1", "org", 3, 40),
    Opened("org", 800, 3),
    Granted("i_1", "org", 3, 90),
    Opened("org", 800, 4, 17),
    Granted("i_1", "org", 4, 20),
    Ranked("i_1", Status.SUPERSEDED),
]


def played(*lines: Line) -> Case:
    """A case after these lines."""
    made = Case(None, {}, {})
    for line in lines:
        replay(made, line)
    return made


def test_everything_the_server_wrote_comes_back() -> None:
    """Grants, caps, windows and statuses."""
    made = played(*LINES)
    assert made.accounts[ORG] == Account(90)
    assert made.pools["org"] == PoolState("org", 800, 4, 17, 20, 20, past_nusd=90)
    assert made.incarnation is not None
    assert made.incarnation.status is Status.SUPERSEDED


@given(st.integers(0, len(LINES)), st.integers(0, len(LINES)))
def test_lines_may_be_read_twice(some: int, again: int) -> None:
    """Starting over from anywhere before the end leads to the same state."""
    first, last = sorted((some, again))
    made = played(*LINES[:last], *LINES[first:])
    assert made == played(*LINES)


def test_a_pool_keeps_its_sums_when_its_cap_changes() -> None:
    """Only the cap moves; an older window in a line changes nothing."""
    pool = PoolState("org", 1_000, 4, None, 20, 20)
    assert opened(pool, Opened("org", 500, 3)) == PoolState("org", 500, 4, None, 20, 20)
    assert opened(None, Opened("org", 500, 3, 8)) == PoolState("org", 500, 3, 8)
