"""The admission ladder: never past a limit, never a refusal while there may be room."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agentspend.core.admission import (
    Admit,
    Ask,
    Count,
    Decision,
    RefusalReason,
    Refuse,
    Room,
    Wait,
    decide,
    output_limits,
)
from agentspend.core.budgets import BoundKind


@dataclass(frozen=True)
class Line:
    """A bound in whole nano-dollars: so much, and so much a token."""

    fixed: int
    rate: int

    def nusd(self, output_tokens: int) -> int:
        """The cost with this much output."""
        return self.fixed + self.rate * output_tokens

    def output_that_fits(self, free_nusd: int) -> int:
        """The most output that costs no more than this."""
        left = free_nusd - self.fixed
        if left < 0:
            return -1
        return left // self.rate if self.rate else 10**9


def room(
    free: int, held: int = 0, bound: BoundKind = BoundKind.STRICT, name: str = "daily"
) -> Room:
    """A room with this much free now, and this much more when its holds end at zero."""
    return Room(name, free + held + 70, 70, held, bound)


def ask(
    fixed: int = 100, *, wanted: int = 50, comfort: int = 20, floor: int = 5, **more: bool
) -> Ask:
    """A request that costs `fixed` and 1 a token."""
    return Ask(Line(fixed, 1), Line(fixed // 2, 1), wanted, comfort, floor, **more)


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    """Any request: floor ≤ comfort ≤ wanted, warm no dearer than strict."""
    floor = draw(st.integers(0, 60))
    comfort = floor + draw(st.integers(0, 60))
    wanted = comfort + draw(st.integers(0, 60))
    fixed, rate = draw(st.integers(0, 100)), draw(st.integers(0, 3))
    warm = Line(draw(st.integers(0, fixed)), rate)
    helps, countable = draw(st.booleans()), draw(st.booleans())
    return Ask(Line(fixed, rate), warm, wanted, comfort, floor, helps and countable, countable)


ROOMS = st.lists(
    st.builds(
        Room,
        budget=st.sampled_from("abc"),
        limit_nusd=st.integers(0, 400),
        spent_nusd=st.integers(0, 450),
        held_nusd=st.integers(0, 250),
        bound=st.sampled_from(BoundKind),
        rolls=st.booleans(),
        soon_nusd=st.integers(0, 90),
    ).map(lambda room: room if room.rolls else replace(room, soon_nusd=0)),
    min_size=1,
    max_size=3,
)


def could_fit(one: Ask, rooms: Sequence[Room]) -> bool:
    """Whether the smallest bound fits if everything in flight costs nothing, and what a velocity
    cap has spent has rolled out."""
    return all(
        one.bound(each).nusd(one.floor_output)
        <= each.limit_nusd - (0 if each.rolls else each.spent_nusd)
        for each in rooms
    )


def fits(one: Ask, rooms: Sequence[Room], output: int) -> bool:
    """Whether a hold with this output passes no limit."""
    return all(
        each.spent_nusd + each.held_nusd + one.bound(each).nusd(output) <= each.limit_nusd
        for each in rooms
    )


@given(asks(), ROOMS, st.booleans())
def test_who_is_admitted_fits_in_every_room(one: Ask, rooms: list[Room], patient: bool) -> None:
    """A hold never passes a limit, whichever of the two bounds a budget goes by."""
    decision = decide(one, rooms, patient=patient)
    if isinstance(decision, Admit):
        assert fits(one, rooms, decision.output_tokens)
        assert one.floor_output <= decision.output_tokens <= one.wanted_output


@given(asks(), ROOMS, st.booleans(), st.sampled_from(["", "daily"]))
def test_never_fits_is_said_only_when_it_never_fits(
    one: Ask, rooms: list[Room], patient: bool, behind: str
) -> None:
    """And then always, at once, unless a count could still tighten the bound."""
    decision = decide(one, rooms, patient=patient, behind=behind)
    never = isinstance(decision, Refuse) and decision.reason is RefusalReason.NEVER_FITS
    assert never == (not could_fit(one, rooms) and not one.countable)
    if isinstance(decision, Refuse) and never:
        named = decision.room
        assert decision.needed_nusd == one.bound(named).nusd(one.floor_output)
        assert decision.needed_nusd > (named.limit_nusd if named.rolls else named.best_nusd)


@given(asks(), ROOMS)
def test_only_a_velocity_cap_says_later(one: Ask, rooms: list[Room]) -> None:
    """Too fast: nothing but velocity caps is in the way, and time makes room in each of them."""
    decision = decide(one, rooms, patient=False)
    if isinstance(decision, Refuse) and decision.reason is not RefusalReason.NEVER_FITS:
        stuck = [each for each in rooms if not fits(one, [each], one.floor_output)]
        assert decision.room in stuck
        lasting = any(not each.rolls for each in stuck)
        assert decision.reason is (RefusalReason.WAITED if lasting else RefusalReason.TOO_FAST)
        assert decision.room.rolls is not lasting


@given(asks(), ROOMS)
def test_who_is_too_fast_waits_for_the_cap_and_not_for_another_budget(
    one: Ask, rooms: list[Room]
) -> None:
    """So it holds up nobody who only shares the other budget."""
    decision = decide(one, rooms, patient=True)
    too_fast = [r.budget for r in rooms if r.rolls and not fits(one, [r], one.floor_output)]
    if isinstance(decision, Wait) and too_fast:
        assert decision.budget in too_fast


@given(asks(), ROOMS, st.sampled_from(["", "daily"]))
def test_a_patient_request_is_not_refused_while_holds_may_make_room(
    one: Ask, rooms: list[Room], behind: str
) -> None:
    """If any outcome of what is in flight lets the smallest bound fit, it waits, counts or goes."""
    decision = decide(one, rooms, patient=True, behind=behind)
    if could_fit(one, rooms):
        assert not isinstance(decision, Refuse)


@given(asks(), ROOMS, st.booleans())
def test_a_request_that_fits_now_goes_now(one: Ask, rooms: list[Room], patient: bool) -> None:
    """Nobody waits, counts or is clamped who fits whole; and impatience takes any fit there is."""
    if fits(one, rooms, one.wanted_output):
        assert decide(one, rooms, patient=patient) == Admit(one.wanted_output)
    elif not one.count_helps and not patient and fits(one, rooms, one.floor_output):
        assert isinstance(decide(one, rooms, patient=False), Admit)


@given(asks(), ROOMS, st.booleans())
def test_first_come_first_served(one: Ask, rooms: list[Room], patient: bool) -> None:
    """Whoever stands behind someone is never admitted, fit or not."""
    decision = decide(one, rooms, patient=patient, behind="daily")
    assert not isinstance(decision, Admit)
    if isinstance(decision, Wait):
        assert decision.budget == "daily"


@given(asks(), ROOMS, st.booleans(), st.sampled_from(["", "daily"]))
def test_counting_happens_once(one: Ask, rooms: list[Room], patient: bool, behind: str) -> None:
    """After a count neither flag is set, and the answer is final or a wait."""
    if isinstance(decide(one, rooms, patient=patient, behind=behind), Count):
        assert one.count_helps or one.countable
        counted = replace(one, count_helps=False, countable=False)
        again = decide(counted, rooms, patient=patient, behind=behind)
        assert not isinstance(again, Count)


@pytest.mark.parametrize(
    ("step", "free", "held", "patient", "expected"),
    [
        ("fits whole", 150, 0, True, Admit(50)),
        ("clamped to what fits", 149, 0, True, Admit(49)),
        ("clamped to comfort", 120, 0, True, Admit(20)),
        ("below comfort it waits for what is in flight", 119, 1, True, Wait("daily")),
        ("below comfort without hope of it, it goes", 119, 0, True, Admit(19)),
        ("patience ended: the floor is enough", 105, 99, False, Admit(5)),
        ("below the floor it waits", 104, 1, True, Wait("daily")),
        ("patience ended below the floor", 104, 1, False, RefusalReason.WAITED),
        ("out of reach", 104, 0, True, RefusalReason.NEVER_FITS),
        ("already past the limit", -40, 0, False, RefusalReason.NEVER_FITS),
    ],
)
def test_the_ladder_step_by_step(
    step: str, free: int, held: int, patient: bool, expected: Decision | RefusalReason
) -> None:
    """A request of 100 + 1 a token, wanting 50, comfortable at 20, at least 5."""
    decision = decide(ask(), [room(free, held)], patient=patient)
    said = decision.reason if isinstance(decision, Refuse) else decision
    assert said == expected, step


@pytest.mark.parametrize(
    ("free", "held", "patient", "flags", "expected"),
    [
        (149, 0, True, {"count_helps": True}, Count()),
        (150, 0, True, {"count_helps": True, "countable": True}, Admit(50)),
        (90, 0, True, {"countable": True}, Count()),
        (104, 9, True, {"countable": True}, Wait("daily")),
        (104, 9, False, {"countable": True}, Count()),
    ],
)
def test_a_free_count_comes_before_a_clamp_and_before_a_refusal(
    free: int, held: int, patient: bool, flags: dict[str, bool], expected: Decision
) -> None:
    """But not where it fits anyway, nor while waiting may do."""
    assert decide(ask(**flags), [room(free, held)], patient=patient) == expected


def test_behind_someone_a_request_still_counts_meanwhile() -> None:
    """Its turn finds it with the tight bound."""
    assert decide(ask(count_helps=True), [room(500)], patient=True, behind="x") == Count()


def test_a_warm_budget_goes_by_the_warm_bound_and_a_strict_one_does_not() -> None:
    """Two budgets with the same money: only the one that trusts the cache has room."""
    assert decide(ask(), [room(100, bound=BoundKind.WARM)], patient=True) == Admit(50)
    refused = decide(ask(), [room(100, bound=BoundKind.WARM), room(100, name="b")], patient=True)
    assert isinstance(refused, Refuse)
    assert (refused.room.budget, refused.needed_nusd) == ("b", 105)


@pytest.mark.parametrize(
    ("free", "soon", "patient", "expected"),
    [
        (104, 0, True, Wait("daily")),
        (104, 0, False, RefusalReason.TOO_FAST),
        (-40, 0, False, RefusalReason.TOO_FAST),
        (119, 0, True, Admit(19)),
        (119, 1, True, Wait("daily")),
        (119, 1, False, Admit(19)),
    ],
)
def test_a_velocity_cap_by_example(
    free: int, soon: int, patient: bool, expected: Decision | RefusalReason
) -> None:
    """What is spent rolls out: below the floor it waits; for comfort only if that comes in time."""
    one = replace(room(free), limit_nusd=free + 370, spent_nusd=370, rolls=True, soon_nusd=soon)
    decision = decide(ask(), [one], patient=patient)
    assert (decision.reason if isinstance(decision, Refuse) else decision) == expected


def test_what_passes_the_cap_itself_never_fits() -> None:
    """No roll-out helps a request that costs more than the cap."""
    cap = Room("burst", 104, 0, 0, rolls=True)
    decision = decide(ask(), [cap], patient=True)
    assert isinstance(decision, Refuse)
    assert decision.reason is RefusalReason.NEVER_FITS


def test_a_wait_names_the_tightest_budget() -> None:
    """The one whose holds are in the way."""
    rooms = [room(110, 50, name="wide"), room(90, 50, name="narrow")]
    assert decide(ask(), rooms, patient=True) == Wait("narrow")


LIMITS = st.integers(0, 200_000)


@given(st.integers(0, 200_000), LIMITS, LIMITS, LIMITS, LIMITS)
def test_no_clamp_goes_below_floor_what_is_taken_or_a_cut(
    wanted: int, taken: int, cut_at: int, comfort: int, floor: int
) -> None:
    """Unless the request itself wants less, which is then left as it is."""
    comfortable, hard = output_limits(
        wanted, taken=taken, cut_at=cut_at, comfort=comfort, floor=floor
    )
    assert hard <= comfortable <= wanted
    for limit, least in ((comfortable, comfort), (hard, floor)):
        assert limit == wanted or limit >= least + taken
        assert limit == wanted or limit > cut_at
        assert limit == wanted or limit >= 1


@pytest.mark.parametrize(
    ("wanted", "more", "expected"),
    [
        (128_000, {}, (16_384, 4_096)),
        (128_000, {"taken": 31_999}, (48_383, 36_095)),
        (128_000, {"cut_at": 20_000}, (20_001, 20_001)),
        (128_000, {"floor": 32_000}, (32_000, 32_000)),
        (8_192, {}, (8_192, 4_096)),
        (100, {}, (100, 100)),
    ],
)
def test_output_limits_by_example(
    wanted: int, more: dict[str, int], expected: tuple[int, int]
) -> None:
    """The default floors, a thinking budget, a cut conversation, and a floor above comfort."""
    known = {"taken": 0, "cut_at": 0, "comfort": 16_384, "floor": 4_096, **more}
    assert output_limits(wanted, **known) == expected


def test_an_allowance_that_grows_is_waited_for_and_a_scant_one_for_its_least_only() -> None:
    """Comfort where there may be enough for it, else the floor as soon as that fits; neither is
    ever refused for what is free now."""
    grows = Room("team:org", 110, 0, 0, grows=True)
    scant = replace(grows, scant=True)
    assert decide(ask(), [grows], patient=True) == Wait("team:org")
    assert decide(ask(), [scant], patient=True) == Admit(10)
    assert decide(ask(fixed=200), [scant], patient=True) == Wait("team:org")
