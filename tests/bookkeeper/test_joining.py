"""What is in flight when a device joins a team is none of that team's."""

from dataclasses import replace
from typing import Any

from agentspend.bookkeeper.corrections import adjust
from agentspend.bookkeeper.joining import Joined, enrolling, joined
from agentspend.bookkeeper.outcomes import Held, Settlement
from agentspend.bookkeeper.rights import TeamChain
from agentspend.core.allowance.messages import Told
from agentspend.core.money import parse_usd
from agentspend.core.usage import Billing
from agentspend.store import team
from agentspend.wire.entries import Entry, decode
from tests.bookkeeper.conftest import Desk
from tests.bookkeeper.test_team import MEMBER, ORG, USD, answer, hear, join, line

OTHER = replace(MEMBER, url="https://other.example", team="t_2", server_key="01")


def held(desk: Desk) -> str:
    """A request in flight."""
    found = desk.hold(desk.request("3", 1, comfort=1, floor=1))
    assert isinstance(found, Held)
    return found.rid


def told(desk: Desk, inc: str) -> list[Entry]:
    """What the team of this chain is told, after its beginning."""
    return [decode(body) for body in team.after(desk.conn, inc, 1, 99)]


def leave_and_join_another(desk: Desk) -> None:
    """At once, and the next team has the same cap."""

    def work() -> None:
        desk.books.team.retire(desk.now_us)
        desk.books.team.leave()
        desk.books.team.join(OTHER, "i_other", "here", desk.now_us)
        desk.books.team.adopt({"version": 1, "pools": [ORG]})

    desk.do(work)


def test_another_team_is_not_told_of_what_was_in_flight(desk: Desk) -> None:
    """Nor does it count in that team's caps; what begins there is that team's."""
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, 5 * USD))
    rid = held(desk)
    desk.pass_time(1)
    leave_and_join_another(desk)
    end = TeamChain(desk.conn, "i_other").end
    said = replace(answer(desk, Told("acme", 24_322, 5 * USD)), inc="i_other", acked=end)
    desk.do(lambda: desk.books.team.heard(said, desk.now_us))
    assert line(desk, "acme")["ours_nusd"] == 5 * USD
    assert line(desk, "acme")["held_nusd"] == 0

    desk.settle(rid, "1")
    assert told(desk, "i_other") == []
    desk.settle(held(desk), "1")
    assert [each.amount_nusd for each in told(desk, "i_other")] == [USD]


def estimate(desk: Desk, rid: str) -> None:
    """A charge that is an upper bound."""
    done = Settlement(rid, USD, Billing.CEILING, "estimate", {"usage": {}})
    desk.do(lambda: desk.books.settle(done, desk.at))


def correct(desk: Desk, rid: str) -> None:
    """A person lowers it."""
    desk.do(lambda: adjust(desk.books, rid, parse_usd("0.25"), "invoice", desk.at))


def test_a_correction_is_told_to_the_team_that_was_told_the_charge(desk: Desk) -> None:
    """Also of a charge that no cap of it counts; and to no other team."""
    join(desk)
    rid, later = held(desk), held(desk)
    estimate(desk, rid)
    correct(desk, rid)
    assert [each.amount_nusd for each in told(desk, "i_team")] == [USD, -3 * USD // 4]

    estimate(desk, later)
    desk.pass_time(1)
    leave_and_join_another(desk)
    correct(desk, later)
    assert told(desk, "i_other") == []


def test_a_device_that_leaves_corrects_what_it_tells(desk: Desk) -> None:
    """Not what began when it was on its way: the team never heard of that."""
    join(desk)
    rid = held(desk)
    desk.do(lambda: desk.books.team.retire(desk.now_us))
    own = held(desk)
    for each in (rid, own):
        estimate(desk, each)
        correct(desk, each)
    assert {each.rid for each in told(desk, "i_team") if each.kind != "close"} == {rid}


def test_an_invite_whose_answer_was_lost_is_used_again(desk: Desk) -> None:
    """With the same nonce, so that the server answers the same; not by a copy, not once joined."""

    def nonce(code: str, place: str, fresh: str) -> Any:
        return desk.do(lambda: enrolling(desk.conn, code, place, fresh))

    assert nonce("ASPD-1", "here", "n_1") == "n_1"
    assert nonce("ASPD-1", "here", "n_2") == "n_1"
    assert nonce("ASPD-1", "another disk", "n_3") == "n_3"
    assert nonce("ASPD-2", "here", "n_4") == "n_4"
    join(desk, ORG)
    assert nonce("ASPD-2", "here", "n_5") == "n_5"


def test_a_ledger_of_an_older_build_has_joined_long_ago() -> None:
    """All that it tells is the team's, as before."""
    assert joined(None) == Joined()
    assert joined(None).counts("r_1", 0)
