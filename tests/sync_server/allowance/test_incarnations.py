"""Who is who: hellos, revoked and lost devices."""

from dataclasses import replace

import pytest

from agentspend.core.allowance.accounts import Account
from agentspend.core.allowance.messages import Hello, Status, Welcome
from sync_server.allowance.incarnations import begun, ranked, succeed, welcome
from sync_server.allowance.journal import Began, Ranked
from tests.sync_server.made import OFFICE, ORG, case

HELLO = Hello("t", "d_1", "i_1", "n_2", "restored", "")


def test_a_hello_begins_an_incarnation_and_retires_the_old_one() -> None:
    """Both are lines of the journal before the welcome leaves."""
    answer, lines = succeed(case().incarnation, HELLO, "i_2", OFFICE)
    assert answer == Welcome("d_1", "i_2", "n_2", 1, 9, 0)
    assert lines == [Began("i_2", "d_1", "n_2"), Ranked("i_1", Status.SUPERSEDED)]


def test_a_twin_of_a_retired_ledger_gets_its_own() -> None:
    """The other twin's successor is not touched: two copies do not retire each other for ever."""
    old = case(status=Status.SUPERSEDED).incarnation
    assert succeed(old, HELLO, "i_3", OFFICE)[1] == [Began("i_3", "d_1", "n_2")]
    assert succeed(None, HELLO, "i_3", OFFICE)[1] == [Began("i_3", "d_1", "n_2")]


@pytest.mark.parametrize("status", [Status.REVOKED, Status.LOST])
def test_who_was_sent_away_does_not_come_back(status: Status) -> None:
    """Nor by another device's ledger."""
    assert succeed(case(status=status).incarnation, HELLO, "i_2", OFFICE) == (None, [])
    other = replace(HELLO, device="d_2")
    assert succeed(case().incarnation, other, "i_2", OFFICE) == (None, [])


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
