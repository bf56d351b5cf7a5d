"""The day as the live screen begins with it."""

from agentspend.bookkeeper import day
from tests.bookkeeper.conftest import Desk, budget


def test_the_day_begins_with_what_is_in_flight_and_what_was_refused(desk: Desk) -> None:
    """Open holds with their money, refusals with the budget that said no."""
    desk.adopt(budget("daily", "1"))
    settled = desk.hold(desk.request())
    desk.settle(settled.rid, "0.11")  # type: ignore[union-attr]
    open_hold = desk.hold(desk.request("0.20", 100))
    refused = desk.hold(desk.request("9.00", 100))

    found = desk.do(lambda: day.today(desk.books, desk.at))

    assert [each["rid"] for each in found["in_flight"]] == [open_hold.rid]  # type: ignore[attr-defined,union-attr]
    assert found["in_flight"][0]["held_nusd"] == open_hold.amount_nusd  # type: ignore[index,union-attr]
    assert [each["budget"] for each in found["refused"]] == ["daily"]  # type: ignore[attr-defined]
    assert refused.budget == "daily"  # type: ignore[union-attr]


def test_the_days_entries_begin_after_a_sequence_number(desk: Desk) -> None:
    """Yesterday's charges are not among them; without any the day begins at the head."""
    held = desk.hold(desk.request())
    desk.settle(held.rid, "0.11")  # type: ignore[union-attr]
    yesterday = desk.books.chain.seq
    desk.pass_time(86_400)
    assert desk.do(lambda: day.today(desk.books, desk.at))["day"]["after_seq"] == yesterday  # type: ignore[index]
    held = desk.hold(desk.request())
    desk.settle(held.rid, "0.11")  # type: ignore[union-attr]
    assert desk.do(lambda: day.today(desk.books, desk.at))["day"]["after_seq"] == yesterday  # type: ignore[index]
