"""R8: what is granted, journaled and told."""

from dataclasses import replace

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.messages import Lacking, Status, Told, Want
from sync_server.allowance.case import Case
from sync_server.allowance.grants import grant, told
from sync_server.allowance.journal import Granted
from sync_server.allowance.pools import PoolState
from sync_server.allowance.sizing import Crowd, Sizing
from tests.sync_server.made import OFFICE, ORG, SIZING, case

WANT = Want("org", need_nusd=60)


def test_a_grant_is_a_line_of_the_journal() -> None:
    """It says the whole sum, so that it may be read twice."""
    made = case(granted=40)
    assert grant(made, (WANT,), OFFICE) == [Granted("i_1", "org", 3, 100)]
    assert made.accounts[ORG] == Account(100)
    assert made.pools["org"].committed_nusd == 100


def test_several_pools_are_granted_apart() -> None:
    """Each by what is available there; a pool that is gone is passed over."""
    made = case(PoolState("org", 1_000, 3), PoolState("web", 50, 90))
    lines = grant(made, (WANT, Want("web", need_nusd=60), Want("gone", need_nusd=60)), OFFICE)
    assert lines == [Granted("i_1", "org", 3, 100), Granted("i_1", "web", 90, 50)]


def test_a_closed_or_written_off_account_gets_nothing() -> None:
    """The device has signed, or a lead has declared, that nothing more is spent there."""
    for account in (Account(40, closed=True), Account(40, written_off=True)):
        made = case()
        made.put(ORG, account)
        assert grant(made, (WANT,), OFFICE) == []


def test_open_accounts_of_past_windows_are_told() -> None:
    """With the window that runs now, or the device could not know that they are over."""
    made = case()
    made.put(Place("org", 2), Account(30))
    made.put(Place("org", 1), Account(30, closed=True))
    assert told(made, (), OFFICE) == (Told("org", 2, 30), Told("org", 3, 0))


def test_each_pool_is_shared_among_those_who_pay_into_it() -> None:
    """A member's own pool is no eightieth of everybody's: its device can start a session."""
    made = case(PoolState("org", 60_000, 3), PoolState("anna", 60_000, 3))
    made.shared = {"anna": "member"}
    office = replace(
        OFFICE,
        crowd=Crowd(100, 50),
        crowds={"member": Crowd(1, 1)},
        sizing=Sizing(float_nusd=10_000, grain_nusd=1),
    )
    lines = grant(made, (Want("org"), Want("anna")), office)
    assert lines == [Granted("i_1", "org", 3, 200), Granted("i_1", "anna", 3, 10_000)]


def test_what_is_needed_and_lies_elsewhere_is_said_to_be_coming() -> None:
    """In a pool it may pay into no more nothing comes."""
    pool = PoolState("org", 1_000, 3, committed_nusd=1_000, outstanding_nusd=500)
    made = case(pool)
    need = Want("org", need_nusd=300)
    assert [each.lacking for each in told(made, (need,), OFFICE)] == [Lacking.COMING]
    made.gone = frozenset({"org"})
    assert [each.lacking for each in told(made, (need,), OFFICE)] == [Lacking.DRY]


def test_only_an_active_device_is_asked_to_return() -> None:
    """A retired one closes, which returns everything."""
    made = case(PoolState("org", 1_000, 3, ends_us=9), granted=900)
    assert told(made, (), OFFICE) == (Told("org", 3, 900, 16, 9),)
    retired = case(PoolState("org", 1_000, 3, ends_us=9), granted=900, status=Status.SUPERSEDED)
    assert told(retired, (), OFFICE) == (Told("org", 3, 900, None, 9),)


def hoarded() -> Case:
    """A liar's case: 100 are left of a cap of their own, 8,000 of everybody's."""
    made = case(PoolState("org", 8_000, 3), PoolState("eve", 100, 3))
    made.own, made.shared = frozenset({"eve"}), {"eve": "member"}
    return made


def test_who_lies_about_need_keeps_little_from_the_rest() -> None:
    """All of it without a cap of their own; with one, that and what a request may need at most."""
    lie = Want("org", need_nusd=9_000, held_nusd=9_000)
    for own, most in ((frozenset({"eve"}), 100 + SIZING.most_nusd), (frozenset(), 8_000)):
        made = hoarded()
        made.own = own
        for _ in range(40):
            grant(made, (lie,), OFFICE)
        assert made.accounts[ORG].granted_nusd == most


def test_nobody_is_asked_to_give_back_what_is_of_no_use_to_the_one_who_asks() -> None:
    """It lacks what its own cap has not got; of that one, it is said."""
    made = hoarded()
    made.pools["org"] = PoolState("org", 8_000, 3, committed_nusd=8_000, outstanding_nusd=8_000)
    made.accounts[ORG] = Account(100 + SIZING.most_nusd)
    wants = (Want("org", need_nusd=900), Want("eve", need_nusd=900))
    assert [each.lacking for each in told(made, wants, OFFICE)] == [Lacking.NOTHING, Lacking.DRY]
    made.own = frozenset()
    assert told(made, wants, OFFICE)[0].lacking is Lacking.COMING
