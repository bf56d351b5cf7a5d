"""A device on its way out of its team: what it tells, and when nothing is left to tell."""

from agentspend.bookkeeper.leaving import LeftToTell
from agentspend.bookkeeper.outcomes import Held
from agentspend.core.allowance.messages import Status, Told
from agentspend.store import team
from agentspend.wire.entries import LEFT, decode
from tests.bookkeeper.conftest import Desk
from tests.bookkeeper.test_team import ORG, USD, hear, join

WINDOW = 24_322


def kinds(desk: Desk) -> list[str]:
    """What the chain says, by kind."""
    return [decode(body).kind for body in team.after(desk.conn, "i_team", 0, 99)]


def leaving(desk: Desk) -> Held:
    """A member with a grant says so while one request is in flight: that one."""
    join(desk, ORG)
    hear(desk, Told("acme", WINDOW, 5 * USD))
    held = desk.hold(desk.request("3", 1, comfort=1, floor=1))
    assert isinstance(held, Held)
    desk.do(lambda: desk.books.team.retire(desk.now_us))
    return held


def left(desk: Desk) -> LeftToTell:
    """What is left to tell."""
    return desk.do(lambda: desk.books.team.left_to_tell)


def test_what_is_in_flight_is_told_and_what_begins_later_is_not(desk: Desk) -> None:
    """The later one needs no rights: no more than any of its grant is taken by a device that
    leaves. Only when the server has it all is it over."""
    first = leaving(desk)
    told = LeftToTell(in_flight=1, held_nusd=first.amount_nusd, queued=1, is_over=False)
    assert left(desk) == told
    later = desk.hold(desk.request("30"))
    assert isinstance(later, Held)
    desk.settle(later.rid, "0.50")
    assert kinds(desk) == ["genesis", "close"]
    desk.settle(first.rid, "1")
    assert left(desk) == LeftToTell(queued=2, is_over=False)
    hear(desk, status=Status.ACTIVE)
    assert kinds(desk) == ["genesis", "close", "settle", "close"]
    assert not left(desk).is_over
    hear(desk)
    assert left(desk) == LeftToTell()
    assert desk.do(lambda: desk.books.team.lines()) == []


def test_its_ledger_says_so_also_where_no_cap_was(desk: Desk) -> None:
    """The leads are to know that nobody is missing there."""
    join(desk)
    desk.do(lambda: desk.books.team.retire(desk.now_us))
    entry = decode(team.after(desk.conn, "i_team", 0, 99)[-1])
    assert (entry.kind, entry.text, entry.rights) == ("close", LEFT, None)
    hear(desk)
    assert left(desk).is_over


def test_a_policy_that_comes_on_the_way_counts_nothing_any_more(desk: Desk) -> None:
    """A new cap holds for members; said twice, the leaving is still the first one."""
    first = leaving(desk)
    desk.do(lambda: desk.books.team.adopt({"version": 2, "pools": [{**ORG, "cap_nusd": 1}]}))
    assert isinstance(desk.hold(desk.request("30")), Held)
    desk.do(lambda: desk.books.team.retire(desk.now_us))
    assert left(desk).in_flight == 1
    desk.settle(first.rid, "1")
    told = decode(team.after(desk.conn, "i_team", 1, 9)[-1])
    assert [tuple(right) for right in told.rights or ()] == [("acme", WINDOW, USD)]


def test_a_ledger_in_doubt_waits_for_its_requests_only(desk: Desk) -> None:
    """Its server takes nothing of it, and one that leaves asks for no new beginning."""
    first = leaving(desk)
    desk.do(lambda: desk.books.team.opened_at("another disk"))
    assert desk.do(lambda: desk.books.team.hello("n_1", "00")) is None
    assert not left(desk).is_over
    desk.settle(first.rid, "1")
    assert desk.do(lambda: desk.books.team.hello("n_1", "00")) is None
    assert left(desk).is_over


def test_without_a_team_there_is_nothing_to_tell(desk: Desk) -> None:
    """Nor does anybody leave."""
    desk.do(lambda: desk.books.team.retire(desk.now_us))
    assert left(desk) == LeftToTell()
    assert not desk.books.team.leaves
