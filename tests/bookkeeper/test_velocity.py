"""Velocity caps: budgets of a rolling hour or less slow down, and never let more through."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Held, HoldAnswer, HoldRequest, Refused, Waiting
from agentspend.core.admission import RefusalReason
from agentspend.core.scopes import Payer
from tests.bookkeeper.conftest import NOON, Desk, budget

USD = 10**9
SECOND_US = 1_000_000


def small(desk: Desk, usd: str = "0.60", **more: object) -> HoldRequest:
    """A request that costs this much, give or take a few tokens."""
    return desk.request(usd, 1, comfort=1, floor=1, **more)  # type: ignore[arg-type]


def spend(desk: Desk, usd: str) -> None:
    """A request that was served and cost exactly this."""
    held = desk.hold(small(desk, "0.01"))
    assert isinstance(held, Held)
    desk.settle(held.rid, usd)


def test_who_is_too_fast_waits_and_goes_when_enough_has_rolled_out(desk: Desk) -> None:
    """The books know that moment: the writer is woken by it, not by anybody else."""
    desk.adopt(budget("burst", "1", "1m"))
    spend(desk, "0.30")
    desk.pass_time(10)
    spend(desk, "0.50")
    desk.pass_time(45)
    request = small(desk)
    assert isinstance(desk.hold(request), Waiting)

    assert desk.books.line.deadline_us() == 60 * SECOND_US
    desk.pass_time(5)
    desk.do(lambda: None)
    assert desk.woken() == {}
    assert desk.books.line.deadline_us() == 70 * SECOND_US
    desk.pass_time(10)
    desk.do(lambda: None)

    assert isinstance(desk.woken()[request.rid], Held)


def test_after_its_patience_it_is_told_when_to_come_again(desk: Desk) -> None:
    """The moment at which enough has rolled out, holds in flight counted as if they cost it all."""
    desk.adopt(budget("burst", "1", "10m"))
    spend(desk, "0.30")
    desk.pass_time(60)
    spend(desk, "0.30")
    desk.pass_time(60)
    assert isinstance(desk.hold(small(desk, "0.35")), Held)
    request = small(desk, "0.50")
    desk.hold(request)
    desk.pass_time(20)
    desk.do(lambda: None)

    refused = desk.woken()[request.rid]
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.TOO_FAST
    assert refused.resets_us == NOON + (60 + 600) * SECOND_US


def test_the_story_of_one_who_was_too_fast_is_no_refusal(desk: Desk) -> None:
    """It will be asked again: counts of refusals do not have it."""
    desk.adopt(budget("burst", "1", "10m"))
    spend(desk, "0.90")
    assert isinstance(desk.hold(small(desk, wait_s=0)), Refused)
    rows = desk.conn.execute("SELECT outcome FROM request ORDER BY rid").fetchall()
    assert rows == [("settled",), ("slowed",)]
    assert [event.kind for event in desk.books.events].count("slow") == 1


def test_what_costs_more_than_the_cap_is_refused_for_good(desk: Desk) -> None:
    """No waiting helps it."""
    desk.adopt(budget("burst", "0.50", "1m"))
    refused = desk.hold(small(desk))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.resets_us) == (RefusalReason.NEVER_FITS, None)


def test_a_longer_rolling_window_refuses_as_it_did(desk: Desk) -> None:
    """Nobody waits two hours."""
    desk.adopt(budget("rolling", "1", "2h"))
    spend(desk, "0.90")
    refused = desk.hold(small(desk))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.NEVER_FITS


def test_who_is_too_fast_holds_up_nobody_else(desk: Desk) -> None:
    """Claude waits for its cap; Codex, which shares only the daily budget, goes past it."""
    desk.adopt(budget("daily", "5"), budget("burst", "1", "1m", agent="claude"))
    spend(desk, "0.90")
    assert isinstance(desk.hold(small(desk)), Waiting)
    codex = small(desk, payer=Payer(agent="codex", session="s_2"))
    assert isinstance(desk.hold(codex), Held)
    later = small(desk, "0.05")
    assert isinstance(desk.hold(later), Waiting), "first come, first served within the cap"


def test_a_budget_that_lasts_has_the_last_word(desk: Desk) -> None:
    """Both are in the way: the agent must stop, not come again."""
    desk.adopt(budget("daily", "1"), budget("burst", "1", "1m"))
    held = desk.hold(small(desk, "0.90"))
    assert isinstance(held, Held)
    refused = desk.hold(small(desk, wait_s=0))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.budget) == (RefusalReason.WAITED, "daily")


STEPS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 70), st.integers(0, 100)), min_size=1, max_size=15
)


@given(STEPS)
@settings(max_examples=40, deadline=None)
def test_no_stretch_of_the_window_holds_more_than_the_cap(
    tmp_path_factory: "object", steps: Sequence[tuple[int, int, int]]
) -> None:
    """Whoever comes when, and whatever it costs: counted over all holds, at every moment. And
    whoever waits goes when it fits, or is told a moment at which it does."""
    desk = Desk(tmp_path_factory.mktemp("velocity") / "ledger.db")  # type: ignore[attr-defined]
    desk.adopt(budget("burst", "1", "1m"))
    taken: dict[str, tuple[int, int]] = {}
    waiting: dict[str, HoldRequest] = {}
    shares: dict[str, int] = {}

    def note(rid: str, answer: HoldAnswer | Waiting) -> None:
        if isinstance(answer, Held):
            nusd = answer.amount_nusd * shares[rid] // 100
            desk.settle(rid, f"{nusd // USD}.{nusd % USD:09d}")
            taken[rid] = (answer.held_us, nusd)
        elif isinstance(answer, Refused):
            assert answer.reason is RefusalReason.TOO_FAST
            assert answer.resets_us is not None
            assert desk.now_us < answer.resets_us <= desk.now_us + 60 * SECOND_US
        waiting.pop(rid, None)

    def look() -> None:
        while woken := desk.woken():
            for rid, answer in woken.items():
                note(rid, answer)
        inside = sum(usd for at, usd in taken.values() if at > desk.now_us - 60 * SECOND_US)
        assert inside <= USD
        first = min(waiting.values(), key=lambda each: each.arrived_us, default=None)
        if first is not None:
            assert inside + first.ask.strict.nusd(1) > USD, "it waits in vain"

    for after_s, hundredths, share in steps:
        _until(desk, after_s, look)
        request = small(desk, f"0.{hundredths:02d}")
        shares[request.rid] = share
        answer = desk.hold(request)
        if isinstance(answer, Waiting):
            waiting[request.rid] = request
        else:
            note(request.rid, answer)
        look()
    desk.conn.close()


def _until(desk: Desk, wait_s: int, look: "object") -> None:
    """Let time pass as the writer does: woken at each moment the line names."""
    end_us = desk.mono_us + wait_s * SECOND_US
    while (next_us := desk.books.line.deadline_us()) is not None and next_us <= end_us:
        desk.pass_time(max(0, next_us - desk.mono_us) / SECOND_US)
        before = _line(desk.books)
        desk.do(lambda: None)
        look()  # type: ignore[operator]
        assert _line(desk.books) != before, "woken for nothing, again and again"
    desk.pass_time((end_us - desk.mono_us) / SECOND_US)


def _line(books: Books) -> tuple[int, int | None]:
    return len(books.line), books.line.deadline_us()
