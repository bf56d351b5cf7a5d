"""Requests that ask a person: they wait, are served in order, and never pass a budget."""

import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agentspend.bookkeeper import snapshot
from agentspend.bookkeeper.brief import brief
from agentspend.bookkeeper.closed import FROZEN
from agentspend.bookkeeper.outcomes import Asked, Held, HoldAnswer, HoldRequest, Refused, Waiting
from agentspend.core.admission import RefusalReason
from agentspend.core.allowance.messages import Status, Told
from agentspend.core.budgets import Budget
from agentspend.core.limits import MAX_ASKING
from agentspend.core.scopes import Payer
from tests.bookkeeper.conftest import Desk, budget
from tests.bookkeeper.test_team import ORG, hear, join

USD = 10**9
FOR_S = 45


def asking(desk: Desk, usd: str, *, for_s: int = FOR_S, **more: Any) -> HoldRequest:
    """A request of this price that asks when no budget lets it pass."""
    request = desk.request(usd, 1, comfort=1, floor=1, **more)
    return replace(request, asks_until_us=request.arrived_us + for_s * 1_000_000)


def no(desk: Desk, name: str = "daily") -> int:
    """A person says no."""
    return desk.do(lambda: desk.books.questions.say_no(name))


def asked(desk: Desk) -> list[dict[str, object]]:
    """The open questions as `status` shows them."""
    return desk.do(lambda: snapshot.question_lines(desk.books, desk.at))


def test_what_no_budget_lets_pass_waits_and_goes_on_when_it_is_raised(desk: Desk) -> None:
    """One question for both requests; a raise answers it, and both are served by it in order."""
    desk.adopt(budget("daily", "1"))
    first, second = asking(desk, "3"), asking(desk, "2")
    assert isinstance(desk.hold(first), Waiting)
    assert isinstance(desk.hold(second), Waiting)
    told = [event.fields["budget"] for event in desk.books.events if event.kind == "ask"]
    assert told == ["daily"]
    [line] = asked(desk)
    assert (line["budget"], line["requests"], line["agents"]) == ("daily", 2, ["claude"])
    assert 3 * USD <= int(str(line["lacking_nusd"])) <= 4 * USD

    desk.adopt(budget("daily", "3.50"))
    assert list(desk.woken()) == [first.rid]
    desk.adopt(budget("daily", "6"))
    assert isinstance(desk.woken()[second.rid], Held)
    assert asked(desk) == []


def test_the_status_line_says_what_a_session_waits_for(desk: Desk) -> None:
    """Its own session's; the whole device's where none is asked for."""
    desk.adopt(budget("daily", "1"))
    desk.hold(asking(desk, "3"))
    whose = (Payer(session="s_1"), Payer(session="s_2"), None)
    told = [brief(desk.books, desk.at, who)["asks"] for who in whose]
    assert told == [["daily"], [], ["daily"]]


def test_a_no_refuses_all_who_asked_and_stands_until_the_limit_changes(desk: Desk) -> None:
    """The refusal is the ordinary one, and says that it was asked; nobody asks again in vain."""
    desk.adopt(budget("daily", "1"))
    first, second = asking(desk, "3"), asking(desk, "2")
    desk.hold(first)
    desk.hold(second)

    assert no(desk) == 2

    answers = desk.woken()
    assert [type(answer) for answer in answers.values()] == [Refused, Refused]
    refused = answers[first.rid]
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.asked) == (RefusalReason.NEVER_FITS, Asked.NO)
    again = desk.hold(asking(desk, "3"))
    assert isinstance(again, Refused)
    assert again.asked is Asked.NO
    desk.adopt(budget("daily", "2"))
    assert isinstance(desk.hold(asking(desk, "3")), Waiting)


def test_nobody_answers_in_time(desk: Desk) -> None:
    """It is refused before its agent gives up."""
    desk.adopt(budget("daily", "1"))
    request = asking(desk, "3")
    desk.hold(request)
    assert desk.books.line.deadline_us() == request.asks_until_us

    desk.pass_time(FOR_S)
    desk.do(lambda: None)

    refused = desk.woken()[request.rid]
    assert isinstance(refused, Refused)
    assert refused.asked is Asked.NOTHING
    assert len(desk.books.line) == 0


def test_one_that_asks_holds_up_nobody_who_fits(desk: Desk) -> None:
    """A small request goes, although a large one that came first waits for an answer."""
    desk.adopt(budget("daily", "1"))
    desk.hold(asking(desk, "3"))
    small = desk.request("0.10", 1, comfort=1, floor=1)

    assert isinstance(desk.hold(small), Waiting)
    assert isinstance(desk.woken()[small.rid], Held)


def test_nobody_who_comes_later_takes_what_the_answer_brought(desk: Desk) -> None:
    """In the very transaction of the raise, the one that asked is served first."""
    desk.adopt(budget("daily", "1"))
    request = asking(desk, "2.50")
    desk.hold(request)
    later = desk.request("2", 1, comfort=1, floor=1)
    raised = (budget("daily", "3"),)
    desk.do(lambda: desk.adoption.declare(raised, "{}", desk.at))
    agreed = [change.text for change in desk.adoption.waits]

    def together() -> None:
        desk.adoption.confirm(agreed, desk.at)
        desk.books.hold(later, desk.at)

    desk.do(together)

    answers = desk.woken()
    assert isinstance(answers[request.rid], Held)
    assert later.rid not in answers
    assert later.rid in desk.books.line


def test_who_hung_up_asks_no_more(desk: Desk) -> None:
    """Its question is gone with it; the next one opens a new one."""
    desk.adopt(budget("daily", "1"))
    request = asking(desk, "3")
    desk.hold(request)
    desk.do(lambda: desk.books.leave(request.rid))
    assert asked(desk) == []
    desk.books.events.clear()
    desk.hold(asking(desk, "3"))
    assert [event.kind for event in desk.books.events] == ["ask"]


def test_a_transaction_that_failed_has_asked_nothing(desk: Desk) -> None:
    """Tried again, the question is as new as before, and is told."""
    desk.adopt(budget("daily", "1"))
    request = asking(desk, "3")
    desk.conn.execute("BEGIN IMMEDIATE")
    desk.books.undo.clear()
    told = len(desk.books.events)
    desk.books.hold(request, desk.at)
    desk.conn.execute("ROLLBACK")
    desk.books.rolled_back(events=told)
    assert len(desk.books.line) == 0
    desk.hold(request)
    assert desk.books.events[-1].kind == "ask"


def test_a_daemon_that_stops_refuses_who_asks(desk: Desk) -> None:
    """And asks nobody any more."""
    desk.adopt(budget("daily", "1"))
    request = asking(desk, "3")
    desk.hold(request)
    desk.do(desk.books.questions.close)
    assert isinstance(desk.woken()[request.rid], Refused)
    assert isinstance(desk.hold(asking(desk, "3")), Refused)


def test_without_the_setting_it_is_refused_at_once(desk: Desk) -> None:
    """The default."""
    desk.adopt(budget("daily", "1"))
    assert isinstance(desk.hold(desk.request("3")), Refused)


def test_only_so_many_wait(desk: Desk) -> None:
    """Each is tried again with every change of the books."""
    desk.adopt(budget("daily", "1"))
    for _ in range(MAX_ASKING):
        assert isinstance(desk.hold(asking(desk, "3")), Waiting)
    late = asking(desk, "3")
    desk.hold(late)
    assert isinstance(desk.woken()[late.rid], Refused)


def test_a_velocity_cap_asks_nobody(desk: Desk) -> None:
    """Time alone lets it pass: its agent is told to come again."""
    desk.adopt(budget("pace", "1", "10m"))
    assert isinstance(desk.hold(desk.request("0.90", 1, comfort=1, floor=1)), Held)
    request = asking(desk, "0.50", wait_s=0)
    refused = desk.hold(request)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.TOO_FAST


def test_a_teams_pool_is_asked_for_when_the_server_has_no_more(desk: Desk) -> None:
    """First the server is asked for allowance; then the leads, and what they grant serves it."""
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, USD))
    request = asking(desk, "3")
    assert isinstance(desk.hold(request), Waiting)
    assert asked(desk) == []
    desk.do(lambda: desk.books.team.away(desk.mono_us))
    assert [line["budget"] for line in asked(desk)] == ["team:acme"]
    desk.pass_time(30)
    desk.do(lambda: None)
    assert desk.woken() == {}

    hear(desk, Told("acme", 24_322, 4 * USD))

    assert isinstance(desk.woken()[request.rid], Held)


def test_a_leads_no_stands_until_the_cap_changes(desk: Desk) -> None:
    """More allowance of the same cap is no answer to the question."""
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, USD))
    desk.do(lambda: desk.books.team.away(desk.mono_us))
    desk.hold(asking(desk, "3"))
    no(desk, "team:acme")
    desk.woken()
    hear(desk, Told("acme", 24_322, 2 * USD))
    desk.do(lambda: desk.books.team.away(desk.mono_us))
    assert isinstance(desk.hold(asking(desk, "3")), Refused)
    desk.do(lambda: desk.books.team.adopt({"version": 2, "pools": [{**ORG, "cap_nusd": 1}]}))
    assert isinstance(desk.hold(asking(desk, "3")), Waiting)


@pytest.mark.parametrize("frozen", [True, False])
def test_nobody_is_asked_where_no_answer_helps(desk: Desk, *, frozen: bool) -> None:
    """A lead has stopped the team, or has taken this device out of it."""
    join(desk, ORG)
    if frozen:
        desk.do(lambda: desk.books.team.adopt({"version": 2, "pools": [], "frozen": True}))
    else:
        hear(desk, status=Status.REVOKED)
    refused = desk.hold(asking(desk, "3"))
    assert isinstance(refused, Refused)
    assert refused.budget == (FROZEN if frozen else "team:acme")


@dataclass
class Story:
    """A machine whose requests ask, and what came of each."""

    desk: Desk
    limit_usd: int = 2
    running: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, HoldRequest] = field(default_factory=dict)
    ended: dict[str, Refused] = field(default_factory=dict)

    def take(self, rid: str, answer: HoldAnswer | Waiting) -> None:
        """Note an answer."""
        match answer:
            case Held():
                self.running[rid] = answer.amount_nusd
            case Refused():
                self.ended[rid] = answer

    def arrive(self, usd: int) -> None:
        """A request of so many dollars."""
        request = asking(self.desk, str(usd), wait_s=5, payer=Payer(session="s"))
        self.waiting[request.rid] = request
        self.take(request.rid, self.desk.hold(request))

    def settle(self) -> None:
        """The oldest that runs costs a dollar."""
        for rid in list(self.running)[:1]:
            del self.running[rid]
            self.desk.settle(rid, "1")

    def leave(self) -> None:
        """Whoever came last hangs up."""
        for rid in list(self.waiting)[-1:]:
            self.desk.do(partial(self.desk.books.leave, rid))
            del self.waiting[rid]

    def raise_it(self, usd: int) -> None:
        """A person gives more."""
        self.limit_usd += usd
        self.desk.adopt(self.budget)

    @property
    def budget(self) -> Budget:
        """The one budget, as it is set now."""
        return budget("daily", str(self.limit_usd), "total")

    def check(self) -> None:
        """Nothing is passed, nobody waits too long or in vain, and the first is served first."""
        served = self.desk.woken()
        order = [rid for rid in served if isinstance(served[rid], Held)]
        came = [self.waiting[rid].arrived_us for rid in order if rid in self.waiting]
        assert came == sorted(came)
        for rid, answer in served.items():
            self.take(rid, answer)
        for rid in (*self.running, *self.ended):
            self.waiting.pop(rid, None)
        spent_nusd, held_nusd = self.desk.account("daily")
        assert spent_nusd + held_nusd <= self.limit_usd * USD
        free_nusd = self.limit_usd * USD - spent_nusd - held_nusd
        for rid, request in self.waiting.items():
            assert rid in self.desk.books.line
            assert self.desk.mono_us < request.asks_until_us
            if self.desk.books.line.asks(rid):
                ahead = self.desk.books.line.ahead(request, [1])
                assert ahead or request.ask.strict.nusd(1) > free_nusd
        assert set(self.desk.books.line._places) == set(self.waiting)
        for question in self.desk.books.questions.all():
            assert {each.rid for each in question.requests} <= set(self.waiting)


DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.integers(1, 6)),
        st.tuples(st.just("raise_it"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["settle", "leave", "no"]), st.just(0)),
        st.tuples(st.just("time"), st.integers(1, 30)),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(DEEDS)
def test_whatever_happens_the_budget_is_never_passed(deeds: list[tuple[str, int]]) -> None:
    """Arrivals, raises, noes, hang-ups, settles and time in any order."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "ledger.db")
        story = Story(desk)
        desk.adopt(story.budget)
        desk.hold(desk.request("0", 1, comfort=1, floor=1, wait_s=0))
        for deed, number in deeds:
            match deed:
                case "arrive":
                    story.arrive(number)
                case "raise_it":
                    story.raise_it(number)
                case "no":
                    before = set(story.waiting)
                    no(desk)
                    gone = {rid for rid, said in desk.books.woken if isinstance(said, Refused)}
                    assert gone <= before
                case "time":
                    desk.pass_time(number)
                    desk.do(lambda: None)
                case "settle":
                    story.settle()
                case "leave":
                    story.leave()
            story.check()
        desk.conn.close()
