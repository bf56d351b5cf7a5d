"""What a device makes of what it hears: in any order, any number of times, or in doubt."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.device import Device
from agentspend.core.allowance.hearing import (
    answered,
    doubt,
    is_outdated,
    opened,
    to_hello,
    to_sync,
    welcomed,
)
from agentspend.core.allowance.messages import Answer, Link, Status, Told, Want, Welcome
from agentspend.core.allowance.standing import Pending, Standing, State


class Ledger:
    """A chain of two entries."""

    end = Link(2, "bb")

    def hash_at(self, seq: int) -> str:
        """The hash of an entry."""
        return ["", "aa", "bb"][seq]


LEDGER = Ledger()


def device(**standing: object) -> Device:
    """A device that knows nothing yet."""
    return Device(Standing("d_1", "i_1", "here", **standing), {}, {})  # type: ignore[arg-type]


def answer(*told: Told, **words: object) -> Answer:
    """An answer that fits the ledger."""
    fields: dict[str, object] = {
        "device": "d_1", "inc": "i_1", "in_reply_to": "n", "server_inc": 1, "server_seq": 5,
        "server_us": 9, "status": Status.ACTIVE, "acked": Link(1, "aa"), "resend": False,
        "accounts": told, "policy": 1, "policy_sha256": "", "audit": "",
    }  # fmt: skip
    return Answer(**{**fields, **words})  # type: ignore[arg-type]


def hello_of(rules: Device, nonce: str) -> object:
    """What it asks with this fresh nonce: the nonce it uses, or None."""
    hello = to_hello(rules, LEDGER, team="t", nonce=nonce, anchor_sha256="")
    return hello and hello.nonce


def test_rules_that_come_with_another_ledgers_answer_are_not_ours() -> None:
    """A team was left while its answer was on the way, and another joined."""
    standing = Standing("d_1", "i_1", "here", server_inc=1, server_seq=5)
    assert not is_outdated(standing, answer(), 1)
    assert is_outdated(standing, answer(inc="i_0"), 1)
    assert is_outdated(standing, answer(server_seq=4), 2)
    assert is_outdated(standing, answer(server_inc=0), 0)


@given(st.permutations([Told("p", 1, 10), Told("p", 1, 30), Told("p", 2, 5), Told("p", 2, 7)]))
def test_answers_may_come_in_any_order(told: list[Told]) -> None:
    """Windows move forward and grants grow; the end is the same."""
    rules = device()
    for each in itertools.chain(told, told[:2]):
        answered(rules, LEDGER, answer(each))
    assert rules.standing.windows == {"p": 2}
    assert rules.accounts == {Place("p", 1): Account(30), Place("p", 2): Account(7)}


def test_a_closed_account_is_not_opened_by_a_late_answer() -> None:
    """The server counts what was used there, and nothing more."""
    rules = device(windows={"p": 2})
    rules.accounts[Place("p", 1)] = Account(10)
    rules.close()
    answered(rules, LEDGER, answer(Told("p", 1, 99)))
    assert rules.accounts[Place("p", 1)] == Account(10, closed=True)


def test_the_server_asks_rights_back() -> None:
    """What is to be kept is handed to the caller, who returns the rest in one transaction."""
    assert answered(device(), LEDGER, answer(Told("p", 1, 10, keep_nusd=4))) == {Place("p", 1): 4}


def test_an_answer_of_an_older_server_is_ignored() -> None:
    """Once a newer one has been heard."""
    rules = device()
    answered(rules, LEDGER, answer(server_inc=2))
    answered(rules, LEDGER, answer(Told("p", 1, 10), server_inc=1))
    assert rules.accounts == {}


def test_an_answer_about_another_ledger_is_ignored() -> None:
    """It was for an earlier incarnation of this device."""
    rules = device()
    answered(rules, LEDGER, answer(Told("p", 1, 10), inc="i_0"))
    assert rules.accounts == {}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"status": Status.UNKNOWN, "acked": Link(0, "")}, "does not know"),
        ({"status": Status.FORKED}, "two different"),
        ({"acked": Link(3, "cc")}, "more entries"),
        ({"acked": Link(2, "xx")}, "other entries"),
    ],
)
def test_an_answer_that_cannot_be_about_this_ledger_is_a_doubt(
    words: dict[str, object], why: str
) -> None:
    """No rights are used, nothing is reported, and a new incarnation is asked for."""
    rules = device()
    assert answered(rules, LEDGER, answer(Told("p", 1, 10), **words)) == {}
    assert rules.standing.state is State.DOUBT
    assert why in rules.standing.reason
    assert to_sync(rules, LEDGER, team="t", nonce="n", entries=[], policy=0, wants=[]) is None
    assert hello_of(rules, "n1") == "n1"


def test_a_server_that_has_less_gets_it_again() -> None:
    """`resend` moves the mark back; a late answer does not."""
    rules = device(acked_seq=2)
    answered(rules, LEDGER, answer())
    assert rules.standing.acked_seq == 2
    answered(rules, LEDGER, answer(resend=True))
    assert rules.standing.acked_seq == 1


@pytest.mark.parametrize("status", [Status.SUPERSEDED, Status.LOST])
def test_a_retired_device_reports_and_wants_nothing(status: Status) -> None:
    """A superseded one asks for a successor once everything is closed and known; so does one whose
    ledger was written off, for it may be in use after all."""
    rules = device(acked_seq=1)
    answered(rules, LEDGER, answer(Told("p", 1, 10), status=status))
    report = to_sync(rules, LEDGER, team="t", nonce="n", entries=["e"], policy=0, wants=[Want("p")])
    assert report is not None
    assert report.wants == ()
    assert hello_of(rules, "n1") is None
    rules.close()
    assert hello_of(rules, "n1") is None
    rules.standing.acked_seq = 2
    assert hello_of(rules, "n1") == "n1"


def test_a_revoked_device_asks_for_nothing() -> None:
    """It reports what it has, for ever."""
    rules = device(acked_seq=2)
    answered(rules, LEDGER, answer(status=Status.REVOKED, acked=Link(2, "bb")))
    assert hello_of(rules, "n1") is None


def test_the_same_question_is_asked_until_it_is_answered() -> None:
    """So that an answer that was lost can be given again."""
    rules = device()
    doubt(rules.standing, "test")
    assert [hello_of(rules, "n1"), hello_of(rules, "n2")] == ["n1", "n1"]


def test_a_copy_does_not_take_its_twins_answer() -> None:
    """Elsewhere the open question is forgotten, and the answer to it is not for us."""
    rules = device(pending=Pending("n1", "here"))
    opened(rules, "there")
    assert rules.standing.state is State.DOUBT
    assert welcomed(rules.standing, Welcome("d_1", "i_2", "n1", 1, 1, 1)) is None
    assert hello_of(rules, "n2") == "n2"


def test_the_same_place_is_no_doubt() -> None:
    """A restart on the same disk goes on."""
    rules = device()
    opened(rules, "here")
    assert rules.standing.state is State.ACTIVE


def test_a_new_incarnation_begins_with_nothing() -> None:
    """It remembers the server and the windows, and no rights; a late welcome changes nothing."""
    standing = Standing(
        "d_1", "i_1", "here", State.DOUBT, 3, 40, 7, {"p": 2}, Pending("n1", "here")
    )
    welcome = Welcome("d_1", "i_2", "n1", 2, 50, 1)
    new = welcomed(standing, welcome)
    assert new is not None
    assert new == Standing("d_1", "i_2", "here", State.ACTIVE, 3, 50, 0, {"p": 2})
    assert welcomed(new, welcome) is None
