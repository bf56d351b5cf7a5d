"""The device's rules that move money: held in all pools or in none, ended once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.allowance.accounts import EMPTY, Account, Place
from agentspend.core.allowance.device import Device, Draft, Short, TeamHold
from agentspend.core.allowance.effects import Right
from agentspend.core.allowance.standing import Standing, State

ORG, DAY = Place("org", 3), Place("day", 90)


def device(org_nusd: int = 100, day_nusd: int = 60) -> Device:
    """A device with rights in two pools."""
    standing = Standing("d_1", "i_1", "here", windows={"org": 3, "day": 90})
    return Device(standing, {ORG: Account(org_nusd), DAY: Account(day_nusd)}, {})


def test_a_hold_is_taken_in_every_pool_or_in_none() -> None:
    """The pool that lacks most is named, and nothing is held anywhere."""
    rules = device()
    assert rules.reserve("r", ["org", "day"], 70) == Short("day", 10)
    assert rules.accounts == device().accounts
    assert rules.reserve("r", ["org", "day"], 60) is None
    assert rules.free_nusd("org") == 40
    assert rules.free_nusd("day") == 0


def test_a_pool_whose_window_is_not_known_has_no_room() -> None:
    """Only the server says which window runs."""
    assert device().reserve("r", ["org", "web"], 1) == Short("web", 1)


def test_a_request_counts_in_the_windows_it_was_held_in() -> None:
    """It outlives midnight: the old day is charged, and closed only then."""
    rules = device()
    rules.reserve("r", ["org", "day"], 50)
    rules.standing.windows["day"] = 91
    assert rules.close() is None
    assert rules.free_nusd("day") == 0
    draft = rules.settle("r", 20)
    assert draft == Draft("settle", (Right("org", 3, 20), Right("day", 90, 20)), 20)
    assert rules.close() == Draft("close", (Right("day", 90, 0),))
    assert rules.accounts[DAY].committed_nusd == 20


def test_a_hold_ends_once() -> None:
    """Neither a second settle nor a release after it."""
    rules = device()
    rules.reserve("r", ["org"], 50)
    rules.settle("r", 20)
    with pytest.raises(KeyError):
        rules.settle("r", 20)
    with pytest.raises(KeyError):
        rules.release("r")


def test_a_hold_shrinks_and_never_grows() -> None:
    """What the request cannot cost any more is free again at once."""
    rules = device()
    rules.reserve("r", ["org"], 50)
    rules.shrink("r", 20)
    rules.shrink("r", 40)
    assert rules.holds["r"] == TeamHold(20, (ORG,))
    assert rules.free_nusd("org") == 80
    rules.release("r")
    assert rules.free_nusd("org") == 100


def test_after_a_crash_open_holds_are_charged_in_full() -> None:
    """The provider may have billed all of it."""
    rules = device()
    rules.reserve("a", ["org"], 50)
    rules.reserve("b", ["org", "day"], 30)
    assert [rid for rid, _ in rules.recover()] == ["a", "b"]
    assert rules.accounts[ORG].used_nusd == 80
    assert rules.holds == {}


def test_what_is_held_is_not_given_back() -> None:
    """Only what is free above what is to be kept; nothing when that is nothing."""
    rules = device()
    rules.reserve("r", ["org"], 50)
    assert rules.give_back({ORG: 20, DAY: 60}) == Draft("return", (Right("org", 3, 30),))
    assert rules.give_back({ORG: 20, DAY: 60}) is None
    assert rules.accounts[ORG] == Account(100, 30, 0, held_nusd=50)


def test_a_retiring_device_closes_everything_and_holds_nothing_new() -> None:
    """Each account as soon as its last request has ended."""
    rules = device()
    rules.reserve("r", ["org"], 50)
    rules.standing.state = State.RETIRING
    assert rules.reserve("s", ["day"], 1) == Short("day", 1)
    assert rules.close() == Draft("close", (Right("day", 90, 0),))
    rules.settle("r", 5)
    assert rules.close() == Draft("close", (Right("org", 3, 0),))
    assert rules.close() is None


def test_in_doubt_nothing_moves_but_what_is_in_flight() -> None:
    """No hold, no return, no close; a running request still ends in a charge."""
    rules = device()
    rules.reserve("r", ["org"], 50)
    rules.standing.state = State.DOUBT
    assert rules.reserve("s", ["org"], 0) == Short("org", 0)
    assert rules.give_back({ORG: 0}) is None
    assert rules.close() is None
    assert rules.settle("r", 5).amount_nusd == 5


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["reserve", "settle", "release", "shrink", "return", "close", "grant"]),
            st.integers(0, 80),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_rights_are_never_passed(steps: list[tuple[str, int, bool]]) -> None:
    """I2: in every order of things, used + returned + held stays within what was granted."""
    rules = device()
    for number, (what, nusd, both) in enumerate(steps):
        pools = ["org", "day"] if both else ["org"]
        rid = next(iter(rules.holds), "")
        if what == "reserve":
            rules.reserve(f"r{number}", pools, nusd)
        elif what == "settle" and rid:
            rules.settle(rid, min(nusd, rules.holds[rid].amount_nusd))
        elif what == "release" and rid:
            rules.release(rid)
        elif what == "shrink" and rid:
            rules.shrink(rid, nusd)
        elif what == "return":
            rules.give_back({ORG: nusd, DAY: nusd})
        elif what == "close":
            rules.standing.windows["day"] += both
            rules.close()
        elif what == "grant":
            place = Place("day", rules.standing.windows["day"])
            account = rules.accounts.get(place, EMPTY)
            rules.accounts[place] = account.granted(account.granted_nusd + nusd)
        for account in rules.accounts.values():
            used = account.used_nusd + account.returned_nusd + account.held_nusd
            assert used <= account.granted_nusd
            assert account.held_nusd >= 0
            assert not (account.closed and account.held_nusd)
        assert sum(hold.amount_nusd for hold in rules.holds.values()) == (
            rules.accounts[ORG].held_nusd
        )
