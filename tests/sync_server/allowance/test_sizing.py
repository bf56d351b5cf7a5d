"""How much is granted and asked back: [D5], in integers, and at rest when nothing happens."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.allowance.accounts import Account
from agentspend.core.allowance.messages import Lacking, Want
from agentspend.core.errors import AgentspendError
from sync_server.allowance.pools import PoolState
from sync_server.allowance.sizing import (
    A_FEW,
    LITTLE,
    MOST_ASKED,
    Crowd,
    Sizing,
    asked_back,
    bound_nusd,
    grant_nusd,
    keep_nusd,
    lacks,
    target_nusd,
)

USD = 1_000_000_000
CROWD = Crowd(enrolled=80, active=10)
CAP = 2_000 * USD
NUSD = st.integers(0, 50 * USD)


def pool(available: int, cap: int = 2_000 * USD) -> PoolState:
    """A pool with this much left."""
    return PoolState("org", cap, 1, committed_nusd=cap - available)


def test_an_idle_device_keeps_a_float() -> None:
    """A third of an equal share, at most ten dollars: it can start a session offline."""
    want = Want("org")
    assert target_nusd(want, 2_000 * USD, CAP, CROWD, Sizing()) == 2_000 * USD // 240
    assert target_nusd(want, 9_000 * USD, CAP, CROWD, Sizing()) == 10 * USD
    assert grant_nusd(Account(), pool(9_000 * USD, 9_000 * USD), want, CROWD, Sizing()) == 10 * USD


def test_what_is_needed_is_granted_if_it_is_there() -> None:
    """Beside what is held already, and even above the usual most."""
    want = Want("org", need_nusd=30 * USD, held_nusd=4 * USD)
    account = Account(5 * USD)
    assert grant_nusd(account, pool(100 * USD), want, CROWD, Sizing()) == 29 * USD
    assert grant_nusd(account, pool(3 * USD), want, CROWD, Sizing()) == 3 * USD
    assert grant_nusd(account, pool(-3 * USD), want, CROWD, Sizing()) == 0


def test_what_was_spent_above_its_rights_is_no_reason_to_refuse() -> None:
    """An overrun is committed already: beside it, what is needed and is there is had at once."""
    overrun = Account(2 * USD, used_nusd=57 * USD)
    want = Want("org", need_nusd=USD)
    more = grant_nusd(overrun, pool(3 * USD), want, CROWD, Sizing())
    after = overrun.granted(overrun.granted_nusd + more)
    assert after.free_nusd == USD
    assert lacks(after, pool(2 * USD), want) is Lacking.NOTHING
    assert grant_nusd(overrun, pool(0), want, CROWD, Sizing()) == 0


def test_a_busy_device_gets_what_it_burns_as_long_as_there_is_much() -> None:
    """Its share shrinks with the pool, down to the least burn."""
    want = Want("org", burn_nusd=9 * USD)
    assert target_nusd(want, 2_000 * USD, CAP, CROWD, Sizing()) == 9 * USD
    assert target_nusd(want, 60 * USD, CAP, CROWD, Sizing()) == 2 * USD
    assert target_nusd(want, USD, CAP, CROWD, Sizing()) == 100_000_000


def test_rights_are_asked_back_when_money_is_short() -> None:
    """Or when a device has three times what it should, at any time."""
    want, rich = Want("org", burn_nusd=USD), Account(10 * USD)
    assert keep_nusd(rich, pool(100 * USD), want, CROWD, Sizing()) == USD
    assert keep_nusd(Account(25 * USD), pool(1_900 * USD), want, CROWD, Sizing()) is not None
    assert keep_nusd(rich, pool(1_900 * USD), want, CROWD, Sizing()) is None


def test_a_lowered_cap_is_given_back_to_at_once() -> None:
    """By whoever speaks, at least as much as is too much, however busy it is."""
    busy = Want("org", burn_nusd=5 * USD, held_nusd=1 * USD)
    least = Sizing().least_burn_nusd
    assert keep_nusd(Account(4 * USD), pool(-2 * USD), busy, CROWD, Sizing()) == least
    assert (
        keep_nusd(Account(4 * USD), pool(least // 2 - 3 * USD), busy, CROWD, Sizing()) == least // 2
    )
    assert keep_nusd(Account(4 * USD), pool(-9 * USD), busy, CROWD, Sizing()) == 0
    assert keep_nusd(Account(4 * USD), pool(-1), Want("org"), CROWD, Sizing()) == 0


@given(st.integers(0, 10_000 * USD), st.integers(1, 200), NUSD)
def test_what_busy_devices_keep_of_a_dry_pool_is_little(cap: int, active: int, burn: int) -> None:
    """All together a quarter of a percent: half a percent is never stranded on them."""
    want = Want("org", burn_nusd=burn)
    kept = target_nusd(want, 0, cap, Crowd(active, active), Sizing())
    assert kept * active <= cap // LITTLE


def test_what_is_lacking_is_dry_or_lies_elsewhere() -> None:
    """Worth waiting for, when others have enough of it that it is more than what they keep."""
    want, poor = Want("org", need_nusd=5 * USD), Account(USD)
    state = PoolState("org", CAP, 1, committed_nusd=CAP, outstanding_nusd=21 * USD)
    assert lacks(poor, state, want) is Lacking.COMING
    assert lacks(Account(6 * USD), state, want) is Lacking.NOTHING
    assert lacks(poor, state, Want("org")) is Lacking.NOTHING
    assert lacks(poor, state, Want("org", need_nusd=50 * USD)) is Lacking.DRY
    assert lacks(poor, replace(state, outstanding_nusd=5 * USD), want) is Lacking.DRY


def test_few_are_asked_back_and_the_richest_first() -> None:
    """Twice what is lacking; nobody who has next to nothing of it; more than a few only where a few
    have too little."""
    lies = [("a", 50), ("b", 30), ("c", 30), ("d", 2)]
    assert asked_back(lies, 25) == ["a"]
    assert asked_back(lies, 40) == ["a", "b"]
    assert asked_back(lies, 100) == ["a", "b", "c"]
    assert asked_back(lies, 9_000) == []
    many = [(str(number), 9) for number in range(60)]
    assert asked_back(many, 20) == list("01234")
    assert len(asked_back(many, 70)) == A_FEW
    assert len(asked_back(many, 80)) == A_FEW + 1
    assert len(asked_back(many, 280)) == MOST_ASKED


def test_a_share_of_one_is_refused() -> None:
    """A lone device would be granted all and asked to return it, for ever."""
    with pytest.raises(AgentspendError, match="share"):
        Sizing(share=1)


@given(
    st.integers(-10 * USD, 3_000 * USD),
    st.builds(Want, st.just("org"), NUSD, NUSD, NUSD),
    st.builds(Account, NUSD, st.just(0), NUSD),
    st.builds(Crowd, st.integers(0, 500), st.integers(0, 500)),
    st.integers(2, 9),
)
def test_no_more_is_granted_than_is_there(
    available: int, want: Want, account: Account, crowd: Crowd, share: int
) -> None:
    """Whatever is wanted, and was spent above its rights: no more is committed then than was
    available, and nothing is taken."""
    granted = grant_nusd(account, pool(available), want, crowd, Sizing(share=share))
    after = account.granted(account.granted_nusd + granted)
    assert granted >= 0
    assert after.committed_nusd - account.committed_nusd <= max(available, 0)


@given(
    st.integers(0, 300 * USD),
    st.integers(0, 20 * USD),
    st.integers(0, 12 * USD),
    st.integers(1, 5),
    st.integers(2, 8),
)
def test_an_idle_device_comes_to_rest(
    available: int, free: int, burn: int, enrolled: int, share: int
) -> None:
    """Granting and asking back do not play ping-pong: after a few rounds nothing moves."""
    sizing, crowd = Sizing(share=share), Crowd(enrolled, enrolled)
    want = Want("org", burn_nusd=burn)
    cap = 4 * (available + free)
    for _ in range(12):
        account, state = Account(free), pool(available, cap)
        moved = grant_nusd(account, state, want, crowd, sizing)
        free, available = free + moved, available - moved
        keep = keep_nusd(Account(free), pool(available, cap), want, crowd, sizing)
        back = 0 if keep is None else free - keep
        free, available = free - back, available + back
    assert moved == back == 0


def test_without_a_cap_of_their_own_nothing_is_bounded() -> None:
    """What one device may have of a pool is then what it says it needs."""
    assert bound_nusd(pool(100 * USD), (), Sizing()) is None


@given(NUSD, NUSD, NUSD, NUSD, NUSD, NUSD, NUSD)
def test_whoever_can_spend_it_gets_it_whatever_the_bound(
    here: int, elsewhere: int, left: int, past: int, held: int, need: int, rights: int
) -> None:
    """`here` and `elsewhere` lie of the member's own cap on this device and on their others, `left`
    may still be granted. What its requests hold anywhere, they hold there too, in this window or in
    an earlier one; so what the own cap can still give is never lacking in another pool."""
    own = PoolState("anna", here + elsewhere + left, 7, None, here + elsewhere,
                    here + elsewhere, past)  # fmt: skip
    own = replace(own, cap_nusd=own.cap_nusd + past)
    held = min(held, here + past, rights)
    need = min(need, max(0, here + past - held) + left)
    free = pool(2_000 * USD - rights)
    want = Want("org", need_nusd=need, held_nusd=held)
    most = bound_nusd(replace(free, cap_nusd=0), [own], Sizing())
    granted = grant_nusd(Account(rights), free, want, CROWD, Sizing(), most)
    assert rights + granted - held >= need


@given(st.lists(st.tuples(NUSD, NUSD, NUSD), max_size=20), NUSD)
def test_who_lies_about_need_keeps_no_more_than_their_own_cap_and_little(
    lies: list[tuple[int, int, int]], left: int
) -> None:
    """However often, and whatever they say that they hold."""
    own, there, rights = PoolState("eve", left, 7), pool(2_000 * USD), 0
    for burn, need, held in lies:
        want = Want("org", 40 * burn, 40 * need, 40 * held)
        most = bound_nusd(there, [own], Sizing())
        rights += grant_nusd(Account(rights), there, want, CROWD, Sizing(), most)
    assert rights <= left + Sizing().most_nusd
