"""The day as it is folded from messages."""

from datetime import UTC, datetime
from typing import Any

from tui.day import Day

USD = 10**9
NOW_US = 1_000_000_000
PAYER = {"agent": "claude", "session": "s_1", "project": "acme/api"}


def _entry(seq: int, nusd: int, **more: Any) -> dict[str, Any]:
    return {
        "seq": seq, "kind": "settle", "rid": f"r_{seq}", "ts": NOW_US, "amount_nusd": nusd,
        "counted": "billed", "model": "m", "session": "s_1", "agent": "claude",
        "usage": {"input_tokens": 10, "cache_read_tokens": 30, "output_tokens": 5}, **more,
    }  # fmt: skip


def _day() -> Day:
    day = Day()
    begun = {"event": "top", "running": True, "budgets": [], "sessions": [], "today_nusd": 0,
             "day": {"starts_us": 1, "ends_us": 2, "after_seq": 4}}  # fmt: skip
    day.take(begun, NOW_US)
    return day


def test_entries_add_up() -> None:
    """By session, by model, in all; subscription use apart from dollars."""
    day = _day()
    listed = _entry(6, 7 * USD, counted="subscription")
    day.take({"event": "entries", "entries": [_entry(5, USD), listed]}, NOW_US)

    total = day.spending.total
    assert (total.requests, total.nusd, total.listed_nusd) == (2, USD, 7 * USD)
    assert (total.input_tokens, total.cached_tokens, total.output_tokens) == (20, 60, 10)
    assert day.spending.by_session["s_1"].nusd == USD
    assert day.last_seq == 6


def test_a_correction_is_money_and_no_request() -> None:
    """An adjust lowers the sum; it was not asked by anybody."""
    day = _day()
    adjust = {**_entry(6, -USD // 2), "kind": "adjust"}
    day.take({"event": "entries", "entries": [_entry(5, USD), adjust]}, NOW_US)
    assert (day.spending.total.requests, day.spending.total.nusd) == (1, USD // 2)


def test_what_counts_in_yesterday_is_not_todays() -> None:
    """A request held before midnight and settled after it counts where it was held."""
    day = Day()
    begun = {"event": "top", "budgets": [], "sessions": [], "today_nusd": 0,
             "day": {"starts_us": NOW_US, "ends_us": 2 * NOW_US, "after_seq": 0}}  # fmt: skip
    day.take(begun, NOW_US)
    day.take({"event": "entries", "entries": [_entry(1, USD, held_at=NOW_US - 1)]}, NOW_US)
    assert day.spending.total.nusd == 0
    assert [charge.seq for charge in day.recent] == [1]


def test_a_request_goes_through_its_states() -> None:
    """Waiting, sent, streaming, gone."""
    day = _day()
    day.take({"event": "wait", "rid": "r_9", "budget": "daily", "payer": PAYER}, NOW_US)
    assert day.flights["r_9"].state == "waiting"
    day.take({"event": "hold", "rid": "r_9", "held_nusd": USD, "payer": PAYER}, NOW_US)
    assert day.flights["r_9"].state == "sent"
    assert day.held_by_session() == {"s_1": USD}
    day.take({"event": "shrink", "rid": "r_9", "held_nusd": 5}, NOW_US)
    assert (day.flights["r_9"].state, day.flights["r_9"].held_nusd) == ("stream", 5)
    day.take({"event": "settle", "rid": "r_9", "seq": 5}, NOW_US)
    assert day.flights == {}


def test_who_is_too_fast_is_told_and_no_longer_waits() -> None:
    """It is no refusal: the agent comes again by itself."""
    day, payer = _day(), PAYER
    day.take({"event": "wait", "rid": "r_1", "budget": "burst", "payer": payer}, NOW_US)
    day.take({"event": "slow", "rid": "r_1", "budget": "burst", "payer": payer}, NOW_US)
    assert day.flights == {}
    assert not day.refusals
    assert day.notes[-1].text == "claude too fast for budget burst: it comes again"
    day.take({"event": "slow", "rid": "r_2", "reason": "rate_limited"}, NOW_US)
    assert day.notes[-1].text == "a request too fast for a rate limit: it comes again"


def test_who_asks_a_person_is_told_with_the_way_to_answer() -> None:
    """A budget's, or a lead's."""
    day = _day()
    day.take({"event": "ask", "rid": "r_1", "budget": "daily", "payer": PAYER}, NOW_US)
    assert day.notes[-1].text == "claude waits for more of daily: agentspend budget raise daily …"
    day.take({"event": "ask", "rid": "r_1", "budget": "team:org.month", "payer": PAYER}, NOW_US)
    assert day.notes[-1].text == "claude waits for more of team:org.month: a lead is asked"


def test_a_refusal_is_kept_and_told() -> None:
    """In its own list, and in the events with the budget that said no."""
    day = _day()
    told = {"event": "refuse", "rid": "r_9", "payer": PAYER, "budget": "daily", "reason": "waited"}
    day.take(told, NOW_US)
    assert [(each.rid, each.budget) for each in day.refusals] == [("r_9", "daily")]
    assert day.notes[-1].text == "claude refused: daily has no room"
    resets = datetime.fromtimestamp(NOW_US // 1_000_000 + 28 * 60, UTC).isoformat()
    line = {"name": "daily", "resets_at": resets}
    day.take({"event": "status", "budgets": [line], "sessions": [], "today_nusd": 0}, NOW_US)
    day.take(told, NOW_US)
    assert day.notes[-1].text == "claude refused: daily has no room, resets in 28m"


def test_a_daemon_that_is_gone_enforces_nothing() -> None:
    """Said once; what was known stays, what was in flight does not."""
    day = _day()
    day.take({"event": "entries", "entries": [_entry(5, USD)]}, NOW_US)
    day.take({"event": "hold", "rid": "r_9", "held_nusd": USD, "payer": PAYER}, NOW_US)
    for _ in range(2):
        day.take({"event": "gone", "why": "the daemon stopped"}, NOW_US)
    assert (day.enforcing, day.why_not, day.flights) == (False, "the daemon stopped", {})
    assert day.spending.total.nusd == USD
    assert len(day.notes) == 1


def test_a_still_day_does_not_move() -> None:
    """A frozen screen shows what was, while the day goes on."""
    day = _day()
    still = day.still()
    day.take({"event": "entries", "entries": [_entry(5, USD)]}, NOW_US)
    assert still.spending.total.nusd == 0
    assert day.version == still.version + 1
