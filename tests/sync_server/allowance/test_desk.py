"""One sync, from the report to the answer."""

from dataclasses import replace

import pytest

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.messages import NOTHING, Answer, Link, Status, Sync, Want
from agentspend.core.money import MAX_NUSD
from agentspend.wire.canonical import NotCanonical
from sync_server.allowance.case import Case
from sync_server.allowance.desk import Outcome, serve
from sync_server.allowance.journal import Granted, Ranked
from tests.sync_server.made import OFFICE, ORG, Chain, case

WANT = Want("org", need_nusd=60)


def served(made: Case, sync: Sync, chain: Chain | None = None) -> Outcome:
    """Serve it; `chain` is what the server has."""
    return serve(made, sync, (chain or Chain()).hashes.__getitem__, OFFICE)


def test_a_report_is_taken_in_before_anything_is_granted() -> None:
    """So the grant knows what was spent and returned; the answer is a receipt for both."""
    chain = Chain().settle(30).add("return", [(*ORG, 10)])
    made = case(granted=40)
    outcome = served(made, chain.sync(WANT))
    assert made.accounts[ORG] == Account(140, 10, 30)
    assert [entry.said.kind for entry in outcome.entries] == ["genesis", "settle", "return"]
    assert outcome.journal == (Granted("i_1", "org", 3, 140),)
    answer = outcome.answer
    assert (answer.acked, answer.status, answer.resend) == (chain.end, Status.ACTIVE, False)
    assert (answer.in_reply_to, answer.server_seq) == ("n", 8)
    assert answer.accounts[0].granted_nusd == 140


def test_a_repeated_report_changes_nothing_more() -> None:
    """The same answer, but that nothing new is needed."""
    chain = Chain().settle(30)
    made = case(granted=40)
    served(made, chain.sync(WANT))
    before = (dict(made.accounts), dict(made.pools))
    outcome = served(made, chain.sync(WANT), chain)
    assert (made.accounts, made.pools) == before
    assert (outcome.entries, outcome.journal) == ((), ())


def test_a_gap_is_answered_with_what_is_there() -> None:
    """Nothing is merged and nothing granted: the device sends the rest first."""
    chain = Chain().settle(30).settle(5)
    made = case(granted=40)
    answer = served(made, chain.sync(WANT, after=2)).answer
    assert (answer.acked, answer.resend) == (NOTHING, True)
    assert made.accounts[ORG] == Account(40)


def test_a_report_of_a_part_gets_no_grant() -> None:
    """R8: only a chain that is up to date."""
    chain = Chain().settle(30)
    late = chain.sync(WANT, end=Link(9, "x"))
    assert served(case(granted=40), late).journal == ()


@pytest.mark.parametrize("status", [Status.SUPERSEDED, Status.REVOKED, Status.LOST])
def test_who_is_not_active_may_only_report(status: Status) -> None:
    """Its entries count, and it gets nothing."""
    made = case(granted=40, status=status)
    outcome = served(made, Chain().settle(30).sync(WANT))
    assert made.accounts[ORG].used_nusd == 30
    assert (outcome.journal, outcome.answer.status) == ((), status)


def test_a_fork_ends_an_incarnation_and_both_branches_count() -> None:
    """Its rights stay committed, the other branch is charged to the pool."""
    ours, other = Chain().settle(30), Chain().settle(25)
    made = case(granted=40, end=ours.end)
    outcome = served(made, other.sync(WANT), ours)
    assert outcome.forked
    assert outcome.journal == (Ranked("i_1", Status.FORKED),)
    assert [entry.said.seq for entry in outcome.entries] == [2]
    assert made.pools["org"].available_nusd == 1_000 - 40 - 25
    told = frozenset(entry.hash for entry in outcome.entries)
    again = serve(made, other.sync(WANT), ours.hashes.__getitem__, OFFICE, proved=lambda: told)
    assert (again.answer.status, again.journal, again.forked) == (Status.FORKED, (), False)
    assert made.pools["org"].available_nusd == 1_000 - 40 - 25


@pytest.mark.parametrize("words", [{"server_seq": 8}, {"server_inc": 2}], ids=str)
def test_a_server_that_has_forgotten_grants_nothing(words: dict[str, int]) -> None:
    """A device has heard more than this server knows: it was restored without its journal."""
    outcome = served(case(granted=40), Chain().sync(WANT, **words))
    assert outcome.journal == ()
    assert outcome.answer.acked.seq == 1


@pytest.mark.parametrize("device", ["d_1", "d_2"])
def test_an_unknown_ledger_is_told_so(device: str) -> None:
    """Also when it is another device's."""
    made = case() if device == "d_2" else Case(None, {}, {})
    outcome = served(made, Chain().sync(WANT, device=device))
    answer: Answer = outcome.answer
    assert (answer.status, answer.acked, answer.accounts) == (Status.UNKNOWN, NOTHING, ())
    assert outcome.entries == ()


def test_broken_entries_change_nothing() -> None:
    """They are refused before the first account is touched."""
    chain = Chain().settle(30)
    made = case(granted=40)
    before = replace(made.incarnation) if made.incarnation else None
    with pytest.raises(NotCanonical):
        served(made, chain.sync(WANT, entries=(*chain.bodies, "{}")))
    assert (made.accounts[ORG], made.incarnation) == (Account(40), before)


def test_what_is_spent_in_another_window_without_rights_counts_now() -> None:
    """No account waits in a window to come, or appears in one that is over."""
    for window in (1, 9):
        made = case(granted=40)
        served(made, Chain().settle(30, Place("org", window)).sync())
        assert list(made.accounts) == [ORG]
        assert (made.pools["org"].late_nusd, made.pools["org"].committed_nusd) == (30, 40)


@pytest.mark.parametrize("kind", ["settle", "return"])
def test_one_ledger_does_not_move_more_than_there_is(kind: str) -> None:
    """However it is cut into reports, and whatever was said before."""
    chain, half = Chain(), MAX_NUSD // 2
    made = case(granted=40)
    for number in range(3):
        chain.add(kind, [(*ORG, half)], half if kind == "settle" else None)
        report = chain.sync(after=len(chain.bodies) - 1 if number else 0)
        if number < 2:
            served(made, report, chain)
            continue
        with pytest.raises(NotCanonical, match="one ledger cannot move more"):
            served(made, report, chain)
