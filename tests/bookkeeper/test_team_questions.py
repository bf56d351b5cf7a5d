"""Whoever asks, and lacks only a team's allowance: the server is turned to before its leads."""

from agentspend.bookkeeper.outcomes import Asked, Held, Refused
from agentspend.core.allowance.messages import Told
from tests.bookkeeper.conftest import Desk, budget
from tests.bookkeeper.test_questions import USD, asked, asking, no
from tests.bookkeeper.test_team import ORG, hear, join


def nudges(desk: Desk) -> list[tuple[str, object]]:
    """Who was turned to since the last look: the server for allowance, or a person."""
    told = [(each.kind, each.fields["budget"]) for each in desk.books.events
            if each.kind == "ask" or (each.kind == "wait" and each.fields["grows"])]  # fmt: skip
    desk.books.events.clear()
    return told


def test_after_a_raise_the_team_server_is_asked_before_its_leads(desk: Desk) -> None:
    """What lacks nothing but allowance is fetched, as for one that came later; the leads are asked
    once there is none, and that question stays when it might be tried again."""
    desk.adopt(budget("daily", "1"))
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, 0))
    served, request = asking(desk, "2", for_s=270), asking(desk, "3", for_s=270)
    desk.hold(served)
    desk.hold(request)
    assert nudges(desk) == [("ask", "daily")]
    desk.pass_time(60)

    desk.adopt(budget("daily", "9"))

    assert asked(desk) == []
    assert ("wait", "team:acme") in nudges(desk)
    hear(desk, Told("acme", 24_322, 2 * USD + USD // 2))
    assert isinstance(desk.woken()[served.rid], Held)
    assert asked(desk) == []
    desk.books.events.clear()
    desk.do(lambda: desk.books.team.away(desk.mono_us))
    assert nudges(desk) == [("ask", "team:acme")]
    desk.pass_time(60)
    desk.do(lambda: None)
    assert nudges(desk) == []
    assert [line["budget"] for line in asked(desk)] == ["team:acme"]
    no(desk, "team:acme")
    refused = desk.woken()[request.rid]
    assert isinstance(refused, Refused)
    assert refused.asked is Asked.NO


def test_a_leads_no_is_no_reason_to_leave_allowance_unfetched(desk: Desk) -> None:
    """What the server still has may be had after a raise; the no stands once it has none."""
    desk.adopt(budget("daily", "1"))
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, USD // 2))
    desk.do(lambda: desk.books.team.away(desk.mono_us))
    desk.hold(asking(desk, "0.90"))
    no(desk, "team:acme")
    first, second = asking(desk, "3", for_s=270), asking(desk, "3", for_s=270)
    desk.hold(first)
    desk.hold(second)
    desk.pass_time(60)
    desk.adopt(budget("daily", "9"))
    assert {first.rid, second.rid}.isdisjoint(desk.woken())

    hear(desk, Told("acme", 24_322, 4 * USD))
    assert isinstance(desk.woken()[first.rid], Held)
    desk.do(lambda: desk.books.team.away(desk.mono_us))
    assert isinstance(desk.woken()[second.rid], Refused)
