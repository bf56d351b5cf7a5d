"""Who is who: hellos, revoked and lost devices."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.allowance.accounts import Account
from agentspend.core.allowance.messages import Hello, Status, Welcome
from sync_server.allowance.case import Incarnation
from sync_server.allowance.incarnations import begun, ranked, succeed, welcome
from sync_server.allowance.journal import Began, Ranked
from tests.sync_server.made import OFFICE, ORG, case

HELLO = Hello("t", "d_1", "i_1", "n_2", "restored", "")


def made(inc: str, status: Status = Status.ACTIVE, parent: str = "") -> Incarnation:
    """A ledger of the device."""
    return Incarnation(inc, "d_1", f"n_{inc}", status, parent=parent)


def test_a_hello_begins_an_incarnation_and_retires_the_old_one() -> None:
    """Both are lines of the journal before the welcome leaves."""
    answer, lines = succeed(case().incarnation, HELLO, "i_2", OFFICE)
    assert answer == Welcome("d_1", "i_2", "n_2", 1, 9, 0)
    assert lines == [Began("i_2", "d_1", "n_2", "i_1"), Ranked("i_1", Status.SUPERSEDED)]


def test_a_device_that_was_put_back_leaves_no_ledger_behind() -> None:
    """What took over from the old ledger lies nowhere now, nor what took over from that."""
    known = [
        made("i_1", Status.SUPERSEDED), made("i_2", Status.SUPERSEDED, "i_1"),
        made("i_3", Status.ACTIVE, "i_2"), made("i_4", Status.ACTIVE), made("i_5", parent="i_1"),
    ]  # fmt: skip
    _, lines = succeed(known[0], HELLO, "i_6", OFFICE, known)
    assert lines[0] == Began("i_6", "d_1", "n_2", "i_1")
    assert set(lines[1:]) == {Ranked("i_3", Status.SUPERSEDED), Ranked("i_5", Status.SUPERSEDED)}


@given(st.lists(st.integers(0, 5), max_size=40))
def test_twins_do_not_retire_each_other_for_ever(steps: list[int]) -> None:
    """Copies of one ledger ask in any order; then each goes on from its own, and all come to rest
    soon, each with a ledger that nobody else has."""
    known = [made("i_0")]
    holds = ["i_0"] * 6

    def asks(twin: int) -> None:
        new = f"i_{len(known)}"
        old = next(each for each in known if each.inc == holds[twin])
        _, lines = succeed(old, replace(HELLO, old_inc=old.inc), new, OFFICE, list(known))
        ended = {line.inc for line in lines if isinstance(line, Ranked)}
        known[:] = [
            replace(each, status=Status.SUPERSEDED) if each.inc in ended else each for each in known
        ]
        known.append(made(new, parent=old.inc))
        holds[twin] = new

    def is_over(twin: int) -> bool:
        return next(each for each in known if each.inc == holds[twin]).status is not Status.ACTIVE

    for twin in steps:
        asks(twin)
    asked = 0
    while over := [twin for twin in range(6) if is_over(twin)]:
        asks(over[0])
        asked += 1
        assert asked <= 40
    assert len(set(holds)) == len(holds) - max(0, holds.count("i_0") - 1)


def test_a_twin_of_a_retired_ledger_gets_its_own() -> None:
    """Also where the server does not know the old one."""
    old = case(status=Status.SUPERSEDED).incarnation
    assert succeed(old, HELLO, "i_3", OFFICE)[1] == [Began("i_3", "d_1", "n_2", "i_1")]
    assert succeed(None, HELLO, "i_3", OFFICE)[1] == [Began("i_3", "d_1", "n_2")]


def test_nobody_takes_over_another_devices_ledger() -> None:
    """It is not his to end."""
    other = replace(HELLO, device="d_2")
    assert succeed(case().incarnation, other, "i_2", OFFICE) == (None, [])


def test_a_ledger_that_was_written_off_can_be_followed() -> None:
    """A device in good standing was put back to it: what lay there counts as spent already."""
    old = case(status=Status.LOST).incarnation
    assert succeed(old, HELLO, "i_2", OFFICE)[1] == [Began("i_2", "d_1", "n_2", "i_1")]


def test_a_welcome_can_be_said_again() -> None:
    """To the same question."""
    assert welcome("i_2", HELLO, OFFICE) == Welcome("d_1", "i_2", "n_2", 1, 7, 0)


def test_a_new_incarnation_has_reported_nothing() -> None:
    """It is active, with an empty chain."""
    found = begun(Began("i_2", "d_1", "n_2"))
    assert (found.status, found.end.seq) == (Status.ACTIVE, 0)


def test_lost_means_written_off() -> None:
    """What was granted stays committed, and is not held back from the next window."""
    made = case(granted=40)
    ranked(made, Status.LOST)
    assert made.accounts[ORG] == Account(40, written_off=True)
    assert made.pools["org"].available_nusd == 960
    assert made.pools["org"].rolled(4, None).available_nusd == 1_000


def test_a_status_never_goes_back() -> None:
    """Lines that are read twice, or late, do not revive anybody."""
    made = case(status=Status.FORKED, granted=40)
    for status in (Status.ACTIVE, Status.SUPERSEDED, Status.REVOKED, Status.LOST):
        ranked(made, status)
        assert made.incarnation is not None
        assert made.incarnation.status is Status.FORKED
    assert made.accounts[ORG].written_off
