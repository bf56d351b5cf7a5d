"""Holds, shrinks, settles and releases on a real ledger."""

import sqlite3
from dataclasses import replace

import msgspec
import pytest

from agentspend.bookkeeper.outcomes import Held, Refused, Waiting
from agentspend.core.admission import RefusalReason
from agentspend.core.budgets import BoundKind
from agentspend.core.errors import StoreError
from agentspend.core.scopes import Payer
from agentspend.store import accounts, entries
from agentspend.wire.chain import verify_chain
from tests.bookkeeper.conftest import Desk, bound, budget, hold_request

USD = 10**9


def test_a_hold_takes_the_bound_and_a_settle_turns_it_into_the_true_cost(desk: Desk) -> None:
    """Held while it runs, spent at the true cost after, and the rest is free again."""
    desk.adopt(budget("daily", "5"))
    held = desk.hold(desk.request("0.20", 32_000))

    assert isinstance(held, Held)
    assert (held.amount_nusd, held.output_tokens) == (USD, 32_000)
    assert desk.account("daily") == (0, USD)

    desk.settle(held.rid, "0.11")

    assert desk.account("daily") == (110_000_000, 0)


def test_every_hold_ends_exactly_once(desk: Desk) -> None:
    """A second settle of the same hold is an error and changes nothing."""
    desk.adopt(budget("daily", "5"))
    held = desk.hold(desk.request())
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.11")

    with pytest.raises(StoreError):
        desk.settle(held.rid, "0.11")
    desk.conn.execute("ROLLBACK")
    desk.release(held.rid)

    assert desk.account("daily") == (110_000_000, 0)


def test_a_release_gives_everything_back_and_writes_no_entry(desk: Desk) -> None:
    """Nothing billed, nothing recorded."""
    desk.adopt(budget("daily", "5"))
    held = desk.hold(desk.request())
    assert isinstance(held, Held)
    seq = desk.books.chain.seq

    desk.release(held.rid)

    assert desk.account("daily") == (0, 0)
    assert desk.books.chain.seq == seq


def test_every_matching_budget_must_have_room(desk: Desk) -> None:
    """The narrow budget refuses although the wide one has plenty, and the wide one keeps all."""
    desk.adopt(budget("wide", "100", "month"), budget("narrow", "0.10", "day", agent="claude"))

    refused = desk.hold(desk.request("0.20"))

    assert isinstance(refused, Refused)
    assert (refused.budget, refused.reason) == ("narrow", RefusalReason.NEVER_FITS)
    assert desk.account("wide") == (0, 0)


def test_a_budget_of_another_scope_is_not_touched(desk: Desk) -> None:
    """Only matching budgets count."""
    desk.adopt(budget("other", "0.01", "day", agent="codex"))

    assert isinstance(desk.hold(desk.request("3")), Held)


def test_who_waits_is_served_in_order_and_never_overtaken(desk: Desk) -> None:
    """A small request that would fit stands behind the large one that came first."""
    desk.adopt(budget("daily", "2"))
    first = desk.hold(desk.request("0.70", 32_000))
    assert isinstance(first, Held)
    large, small = desk.request("1.00", 32_000), desk.request("0.01", 100, comfort=100, floor=100)

    assert isinstance(desk.hold(large), Waiting)
    assert isinstance(desk.hold(small), Waiting)
    desk.settle(first.rid, "0.05")

    answers = desk.woken()
    assert list(answers) == [large.rid, small.rid]
    assert all(isinstance(answer, Held) for answer in answers.values())


def test_patience_ends_after_wait_s_with_a_refusal_that_names_the_budget(desk: Desk) -> None:
    """A hold that never ends lets the next one wait its time and no longer."""
    desk.adopt(budget("daily", "2"))
    assert isinstance(desk.hold(desk.request("1.00", 32_000)), Held)
    waiting = desk.request("1.00", 32_000)
    assert isinstance(desk.hold(waiting), Waiting)

    desk.pass_time(19.9)
    desk.do(lambda: None)
    assert desk.woken() == {}
    desk.pass_time(0.2)
    desk.do(lambda: None)

    answer = desk.woken()[waiting.rid]
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.budget) == (RefusalReason.WAITED, "daily")


def test_a_shrink_frees_what_the_input_did_not_cost(desk: Desk) -> None:
    """Most of a hold is free again at the first usage event."""
    desk.adopt(budget("daily", "5"))
    held = desk.hold(desk.request("1.00", 32_000))
    assert isinstance(held, Held)

    desk.do(lambda: desk.books.shrink(held.rid, 50_000_000 + 800_000_000))

    assert desk.account("daily") == (0, 850_000_000)


def test_an_excess_is_recorded_as_overrun_and_the_next_request_is_refused(desk: Desk) -> None:
    """What was billed past the bound is written down, never hidden."""
    desk.adopt(budget("daily", "1"))
    held = desk.hold(desk.request("0.20", 32_000))
    assert isinstance(held, Held)

    seq = desk.settle(held.rid, "1.25")

    body = entries.by_seq(desk.conn, seq)
    assert body is not None
    assert b'"overrun_nusd":250000000' in body
    assert desk.account("daily") == (1_250_000_000, 0)
    assert isinstance(desk.hold(desk.request("0.01", 10)), Refused)


def test_what_costs_nothing_needs_no_room(desk: Desk) -> None:
    """A model of this machine's answers also where money is gone, and waits behind nobody."""
    desk.adopt(budget("daily", "1"))
    held = desk.hold(desk.request("0.20", 32_000))
    assert isinstance(held, Held)
    assert isinstance(desk.hold(desk.request("0.01", 32_000)), Waiting)
    free = bound("0", "0")

    first = desk.hold(hold_request("r_free", free))
    assert isinstance(first, Held)
    assert desk.account("daily") == (0, 1_000_000_000)
    desk.settle(held.rid, "1.25")
    second = desk.hold(hold_request("r_free_too", free))
    assert isinstance(second, Held)
    assert desk.woken().keys() == {"r_0002"}
    desk.settle("r_free_too", "0.10")
    assert desk.account("daily") == (1_350_000_000, 0)


def test_the_table_itself_refuses_a_hold_past_the_limit(desk: Desk) -> None:
    """The CHECK is the last line of defence under the code's own check."""
    desk.adopt(budget("daily", "1"))
    desk.hold(desk.request("0.20", 100))

    with pytest.raises(sqlite3.IntegrityError):
        desk.conn.execute("UPDATE account SET held_nusd = 1000000001")


def test_windows_do_not_move_back_when_the_clock_does(desk: Desk) -> None:
    """Setting the clock back a day does not reopen yesterday's money."""
    desk.adopt(budget("daily", "1"))
    held = desk.hold(desk.request("0.20", 32_000))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.90")

    desk.now_us -= 86_400_000_000

    assert isinstance(desk.hold(desk.request("0.20", 32_000)), Refused)


def test_a_new_day_has_its_own_money_and_an_old_hold_settles_in_its_own_day(desk: Desk) -> None:
    """A request belongs to the window in which it was held."""
    desk.adopt(budget("daily", "1"))
    held = desk.hold(desk.request("0.20", 32_000))
    assert isinstance(held, Held)
    desk.pass_time(86_400)
    assert isinstance(desk.hold(desk.request("0.20", 32_000)), Held)

    desk.settle(held.rid, "0.90")

    rows = desk.conn.execute("SELECT spent_nusd, held_nusd FROM account ORDER BY id").fetchall()
    assert rows == [(900_000_000, 0), (0, USD)]


def test_a_new_budget_counts_what_the_ledger_and_open_holds_already_have(desk: Desk) -> None:
    """A cap set at noon knows the morning, and what is on its way."""
    done = desk.hold(desk.request("0.20", 32_000))
    assert isinstance(done, Held)
    desk.settle(done.rid, "0.75")
    running = desk.hold(desk.request("0.20", 32_000))
    assert isinstance(running, Held)

    desk.adopt(budget("daily", "2"))
    desk.hold(desk.request("0.01", 10, payer=Payer(agent="claude", session="s_2")))

    assert desk.account("daily") == (750_000_000, USD + 10_250_000)


def test_a_rolling_window_lets_go_of_what_is_older(desk: Desk) -> None:
    """Three hours later the morning's dollar is free again."""
    desk.adopt(budget("rolling", "1", "2h"))
    held = desk.hold(desk.request("0.20", 32_000))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.90")
    assert isinstance(desk.hold(desk.request("0.20", 32_000)), Refused)

    desk.pass_time(3 * 3_600)

    assert isinstance(desk.hold(desk.request("0.20", 32_000)), Held)
    assert desk.account("rolling") == (0, USD)


def _whose(subagent: str = "", agent: str = "claude", session: str = "s_1") -> Payer:
    return Payer(agent=agent, session=session, subagent=subagent)


def test_a_budget_per_subagent_leaves_the_others_and_the_main_thread_alone(desk: Desk) -> None:
    """Claude Code names its subagents, so what has no name is the main thread."""
    desk.adopt(budget("fan-out", "1", "subagent"))
    held = desk.hold(desk.request("0.20", 32_000, payer=_whose("a1")))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.95")

    assert isinstance(desk.hold(desk.request("0.20", 32_000, payer=_whose("a1"))), Refused)
    for other in (_whose("b2"), _whose("a1", session="s_2")):
        assert isinstance(desk.hold(desk.request("0.20", 32_000, payer=other)), Held)
    main = desk.hold(desk.request("9.00", 32_000, payer=_whose()))
    assert isinstance(main, Held)
    assert main.budgets == ()


def test_of_an_agent_that_names_none_it_holds_for_the_whole_session(desk: Desk) -> None:
    """Nobody can tell its subagents apart."""
    desk.adopt(budget("fan-out", "1", "subagent"))
    held = desk.hold(desk.request("0.20", 32_000, payer=_whose(agent="codex")))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.95")
    assert isinstance(desk.hold(desk.request("0.20", 100, payer=_whose(agent="codex"))), Refused)


def test_a_budget_per_subagent_made_later_counts_what_each_has_spent(desk: Desk) -> None:
    """From the ledger, by session and subagent; also what is held now."""
    held = desk.hold(desk.request("0.20", 32_000, payer=_whose("a1")))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.70")
    desk.hold(desk.request("0.10", 10, payer=_whose("a1")))
    desk.adopt(budget("fan-out", "1", "subagent"))
    assert isinstance(desk.hold(desk.request("0.25", 10, payer=_whose("a1"), wait_s=0)), Refused)
    assert desk.account("fan-out") == (700_000_000, 100_250_000)


def test_a_session_budget_gives_each_session_its_own_money(desk: Desk) -> None:
    """One session's spending leaves the next one's untouched."""
    desk.adopt(budget("each", "1", "session"))
    held = desk.hold(desk.request("0.20", 32_000))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.95")

    assert isinstance(desk.hold(desk.request("0.20", 32_000)), Refused)
    other = desk.request("0.20", 32_000, payer=Payer(agent="claude", session="s_2"))
    assert isinstance(desk.hold(other), Held)


def test_subscription_use_counts_only_where_a_budget_counts_all(desk: Desk) -> None:
    """List-price spending of a subscription leaves a real-dollar budget alone."""
    desk.adopt(budget("real", "1"))
    held = desk.hold(desk.request("9", 32_000, counted="subscription"))
    assert isinstance(held, Held)
    desk.settle(held.rid, "3")

    assert isinstance(desk.hold(desk.request("0.20", 32_000)), Held)
    assert desk.account("real") == (0, USD)


def test_warning_marks_are_told_once(desk: Desk) -> None:
    """50 % and 80 % are announced when they are passed, not again."""
    desk.adopt(budget("daily", "1"))
    for usd in ("0.40", "0.15", "0.10", "0.20"):
        held = desk.hold(desk.request("0.01", 1_000, comfort=1_000, floor=1_000))
        assert isinstance(held, Held)
        desk.settle(held.rid, usd)

    told = [e.fields["percent"] for e in desk.books.events if e.kind == "warning"]
    assert told == [50, 80]


def test_the_chain_verifies_and_a_reopened_ledger_goes_on_where_it_stopped(desk: Desk) -> None:
    """Entries link across a restart."""
    desk.adopt(budget("daily", "5"))
    held = desk.hold(desk.request())
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.11")

    again = Desk(desk.path)

    verdict = verify_chain(entries.bodies(again.conn))
    assert verdict.ok
    assert verdict.head == again.books.chain.head
    assert verdict.totals.billed_nusd == 110_000_000
    assert [b.name for b in again.adoption.budgets] == ["daily"]
    assert accounts.by_id(again.conn, 1).spent_nusd == 110_000_000


def test_what_a_missed_cache_adds_to_a_warm_hold_is_an_overrun(desk: Desk) -> None:
    """A warm budget holds less; a charge above its share says so, whatever the strict hold was."""
    warm = replace(budget("warm", "5"), bound=BoundKind.WARM)
    desk.adopt(warm)
    asked = desk.request("1.00", 1_000, comfort=1_000, floor=1_000)
    asked = msgspec.structs.replace(
        asked, ask=msgspec.structs.replace(asked.ask, warm=bound("0.10"))
    )
    held = desk.hold(asked)
    assert isinstance(held, Held)
    assert desk.account("warm") == (0, 125_000_000)

    seq = desk.settle(held.rid, "0.90")

    body = entries.by_seq(desk.conn, seq)
    assert body is not None
    assert b'"overrun_nusd":775000000' in body
