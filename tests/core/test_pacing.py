"""Rate limits: never passed, first come first served at each gate, nobody waits in vain."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agentspend.core.pacing import KEPT_GATES, SLOT_RETRY_US, Pacing, Ticket
from agentspend.core.rules import RateLimit
from agentspend.core.scopes import Payer, Scope
from agentspend.core.sliding import MINUTE_US

ANA = Payer(agent="claude", session="s_1", model="claude-opus-5")


@dataclass
class Way:
    """A pacing with its own clock, and everyone who went, with the moment."""

    limits: tuple[RateLimit, ...]
    pacing: Pacing = field(default_factory=Pacing)
    now_us: int = 0
    gone: list[tuple[int, Ticket]] = field(default_factory=list)

    def ask(self, payer: Payer = ANA, tokens: int = 0) -> Ticket:
        """One more request."""
        ticket = self.pacing.arrive(self.limits, payer, tokens, self.now_us)
        assert ticket is not None
        self.go()
        return ticket

    def end(self, ticket: Ticket, used: int = 0) -> None:
        """It ends, or gives up."""
        self.pacing.end(ticket, used, self.now_us)
        self.go()

    def pass_us(self, wait_us: int) -> None:
        """Time goes by, stopping wherever somebody may go."""
        until_us = self.now_us + wait_us
        while (next_us := self.pacing.next_us()) is not None and next_us <= until_us:
            self.now_us = max(self.now_us, next_us)
            self.go()
        self.now_us = until_us
        self.go()

    def go(self) -> None:
        """Let go who may."""
        self.gone += [(self.now_us, ticket) for ticket in self.pacing.due(self.now_us)]


def test_without_a_limit_for_it_a_request_has_no_ticket() -> None:
    """Others pay nothing."""
    limit = RateLimit(Scope.of({"agent": "codex"}), rpm=1)
    assert Pacing().arrive((limit,), ANA, 0, 0) is None
    assert Pacing().arrive((RateLimit(subagents=1),), ANA, 0, 0) is None


def test_requests_a_minute() -> None:
    """The third of two a minute waits until the first is a minute old, and says so."""
    way = Way((RateLimit(rpm=2),))
    way.ask()
    way.pass_us(10_000_000)
    way.ask()
    third = way.ask()
    assert not third.started
    assert way.pacing.retry_us(third, way.now_us) == 50_000_000
    assert way.pacing.next_us() == MINUTE_US
    way.pass_us(50_000_000)
    assert third.started
    assert way.pacing.next_us() is None


def test_whoever_stands_behind_others_is_told_a_later_moment() -> None:
    """All before it pass first."""
    way = Way((RateLimit(rpm=1),))
    way.ask()
    waiting = [way.ask() for _ in range(3)]
    assert [way.pacing.retry_us(each, 0) for each in waiting] == [MINUTE_US] * 3
    wide = Way((RateLimit(rpm=2),))
    wide.ask()
    wide.pass_us(10_000_000)
    wide.ask()
    first, second = wide.ask(), wide.ask()
    assert wide.pacing.retry_us(first, wide.now_us) == 50_000_000
    assert wide.pacing.retry_us(second, wide.now_us) == MINUTE_US


def test_tokens_a_minute_are_the_bound_first_and_then_what_was_used() -> None:
    """A correction downwards lets the next one go at once; one upwards keeps it."""
    way = Way((RateLimit(tpm=1_000),))
    first, second = way.ask(tokens=900), way.ask(tokens=200)
    assert (first.started, second.started) == (True, False)
    way.end(first, used=800)
    assert second.started
    way.end(second, used=1_500)
    third = way.ask(tokens=1)
    way.pass_us(MINUTE_US - 1)
    assert not third.started
    way.pass_us(1)
    assert third.started


def test_a_request_larger_than_the_limit_goes_alone() -> None:
    """Its bound is an upper one: it is let through when nothing else was used for a minute."""
    way = Way((RateLimit(tpm=100),))
    assert way.ask(tokens=500).started
    second = way.ask(tokens=1)
    way.pass_us(MINUTE_US - 1)
    assert not second.started
    way.pass_us(1)
    assert second.started


def test_requests_at_once() -> None:
    """A slot is free when a request ended; when that will be nobody knows."""
    way = Way((RateLimit(parallel=1),))
    first, second, third = way.ask(), way.ask(), way.ask()
    assert way.pacing.next_us() is None
    assert way.pacing.retry_us(second, 0) == SLOT_RETRY_US
    way.end(second)
    way.end(first)
    assert (second.started, third.started) == (False, True)


def test_each_value_has_a_counter_of_its_own() -> None:
    """Per session, per key, per subagent; without it there is one for all."""
    way = Way((RateLimit(per="session", parallel=1),))
    assert way.ask(Payer(session="s_1")).started
    assert way.ask(Payer(session="s_2")).started
    assert not way.ask(Payer(session="s_1")).started


def test_naming_a_part_of_a_project_gives_it_no_counter_beside_the_whole() -> None:
    """Work that is filed under several projects passes the gate of each."""
    way = Way((RateLimit(per="project", parallel=1),))
    whole = way.ask(Payer(project="mono"))
    part = way.ask(Payer(project="pay", tags=("project=mono",)))

    assert (part.started, way.ask(Payer(project="pay-2")).started) == (False, True)
    way.end(whole)
    assert part.started


def test_subagents_at_once_hold_up_neither_the_main_thread_nor_those_under_way() -> None:
    """A third subagent waits; the main thread and the first subagent's next request do not."""
    way = Way((RateLimit(subagents=2, rpm=100),))
    first = way.ask(Payer(subagent="a"))
    assert way.ask(Payer(subagent="b")).started
    third = way.ask(Payer(subagent="c"))
    assert not third.started
    assert way.ask(Payer(subagent="")).started
    again = way.ask(Payer(subagent="a"))
    assert not again.started, "it came after one that waits at the same gate"
    way.end(first)
    assert third.started
    way.end(third)
    assert again.started


def test_who_waits_at_one_gate_holds_up_nobody_at_another() -> None:
    """Opus is slow here; sonnet, which shares only the wide limit, goes past it."""
    narrow = RateLimit(Scope.of({"model": "claude-opus-*"}), rpm=1)
    way = Way((narrow, RateLimit(rpm=100)))
    way.ask()
    stuck = way.ask()
    assert way.pacing.in_the_way(stuck).limit == narrow
    assert way.ask(Payer(model="claude-sonnet-5")).started
    assert not stuck.started


def test_thousands_of_sessions_leave_nothing_behind() -> None:
    """Idle gates are forgotten."""
    way = Way((RateLimit(per="session", rpm=5, tpm=1_000, parallel=2),))
    for number in range(5_000):
        way.end(way.ask(Payer(session=f"s_{number}"), tokens=10), used=5)
        way.pass_us(1_000_000)
        assert len(way.pacing) <= 2 * KEPT_GATES
    assert way.pacing._wakes == []


class AnyTraffic(RuleBasedStateMachine):
    """Any mix of arrivals, ends, hang-ups and time against four overlapping limits."""

    limits = (
        RateLimit(rpm=5),
        RateLimit(per="session", tpm=60, parallel=2),
        RateLimit(Scope.of({"model": "opus"}), parallel=1),
        RateLimit(subagents=2),
    )

    def __init__(self) -> None:
        super().__init__()
        self.way = Way(self.limits)
        self.payers: dict[Ticket, Payer] = {}
        self.used: list[tuple[int, str, int]] = []

    @rule(
        session=st.sampled_from("ab"), model=st.sampled_from(["opus", "sonnet"]),
        subagent=st.sampled_from(["", "x", "y", "z"]), tokens=st.integers(0, 70),
    )  # fmt: skip
    def ask(self, session: str, model: str, subagent: str, tokens: int) -> None:
        """Somebody asks."""
        payer = Payer(session=session, model=model, subagent=subagent)
        ticket = self.way.ask(payer, tokens)
        self.payers[ticket] = payer

    @rule(data=st.data(), used=st.integers(0, 90))
    def end(self, data: st.DataObject, used: int) -> None:
        """Somebody ends, or leaves the line."""
        if self.payers:
            ticket = data.draw(st.sampled_from(sorted(self.payers)))
            self.way.end(ticket, used)
            del self.payers[ticket]

    @rule(wait_us=st.integers(0, 70_000_000))
    def wait(self, wait_us: int) -> None:
        """Time goes by."""
        self.way.pass_us(wait_us)

    @invariant()
    def no_limit_is_passed(self) -> None:
        """Counted over who went when, not read from the gates."""
        now_us = self.way.now_us
        assert sum(at > now_us - MINUTE_US for at, _ in self.way.gone) <= 5
        flying = [self.payers[ticket] for ticket in self.payers if ticket.started]
        assert max(Counter(p.session for p in flying).values(), default=0) <= 2
        assert sum(p.model == "opus" for p in flying) <= 1
        assert len({p.subagent for p in flying} - {""}) <= 2

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        """Whoever waits stands at a gate that is shut for the first in its line."""
        now_us = self.way.now_us
        for ticket in self.payers:
            if not ticket.started:
                gate = self.way.pacing.in_the_way(ticket)
                wait_us = gate.opens_in_us(gate.queue[0], now_us)
                assert wait_us != 0
                if wait_us is not None:
                    assert (self.way.pacing.next_us() or 0) > now_us
                    assert now_us < (gate.wake_us or 0) <= now_us + wait_us

    @invariant()
    def first_come_first_served(self) -> None:
        """At a gate nobody stands before one who came earlier."""
        for gate in self.way.pacing._gates.values():
            assert gate.queue == sorted(gate.queue)
            assert gate.in_flight >= 0


TestAnyTraffic = AnyTraffic.TestCase
TestAnyTraffic.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(st.lists(st.integers(0, 30_000_000), min_size=1, max_size=40), st.integers(1, 4))
def test_everybody_goes_in_the_end_in_order(waits: list[int], rpm: int) -> None:
    """Under one limit the order of going is the order of coming."""
    way = Way((RateLimit(rpm=rpm),))
    for wait_us in waits:
        way.pass_us(wait_us)
        way.ask()
    way.pass_us(len(waits) * 2 * MINUTE_US)
    assert [ticket.number for _, ticket in way.gone] == sorted(t.number for _, t in way.gone)
    assert len(way.gone) == len(waits)


@pytest.mark.parametrize("times", [1, 2])
def test_ending_twice_changes_nothing(times: int) -> None:
    """Slots are given back once."""
    way = Way((RateLimit(parallel=2),))
    first = way.ask()
    way.ask()
    for _ in range(times):
        way.end(first)
    assert way.ask().started
    assert not way.ask().started
