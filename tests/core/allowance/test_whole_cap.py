"""A team's cap shown whole."""

from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.allowance.whole_cap import Shown, whole

amounts = st.integers(0, 10**13)


def test_what_the_server_may_grant_is_free_and_what_others_were_granted_is_held() -> None:
    """$1 spent and $2 free here; others spent $3 and have $5 of the $20; nobody has $9."""
    shown = whole(Shown(3, 1, 0, 2), 20, 4, 7, 9)
    assert shown == Shown(20, 4, 5, 11, is_whole=True)


@given(spent=amounts, held=amounts, free=amounts, told=amounts, more=amounts, out=amounts,
       rest=amounts)  # fmt: skip
def test_a_whole_cap_adds_up(
    spent: int, held: int, free: int, told: int, more: int, out: int, rest: int
) -> None:
    """Spent, held and free are the cap, whatever of it lies where and was reported already."""
    reported = min(spent, told)
    here = spent - reported + held + free
    cap = reported + more + here + out + rest
    shown = whole(Shown(spent + held + free, spent, held, free), cap, reported + more, here + out,
                  rest)  # fmt: skip
    assert shown.spent_nusd + shown.held_nusd + shown.free_nusd == cap
    assert shown.held_nusd >= held
