"""Of ledgers that were left behind, what a server has had is kept in mind, and told once."""

from dataclasses import replace
from typing import Any

import pytest

from agentspend.bookkeeper import earlier
from agentspend.core.allowance.messages import Link, Status, Sync
from agentspend.core.allowance.standing import Standing
from tests.bookkeeper.conftest import Desk
from tests.bookkeeper.test_team import MEMBER, ORG, answer, hear, join

NOW = Standing("d_1", "i_new", "here", server_inc=2)


def left(desk: Desk) -> Standing:
    """A ledger of two entries that the server has, left behind."""
    join(desk, ORG)
    desk.do(lambda: desk.books.team.adjusted(desk.now_us, {"rid": "r_1"}, desk.now_us))
    hear(desk)
    before = desk.books.team.standing
    assert before is not None
    assert (before.acked_seq, before.server_inc) == (2, 1)
    desk.do(lambda: earlier.left_behind(desk.conn, before, replace(NOW, server_inc=1)))
    return before


def asked(desk: Desk) -> Sync | None:
    """What is to be told again."""
    return desk.do(lambda: earlier.retelling(desk.conn, MEMBER, NOW, 1, "n_1"))


def test_nothing_is_told_again_to_the_same_server(desk: Desk) -> None:
    """Nor of a ledger that it had nothing of, nor to the first one that is heard from."""
    before = left(desk)
    empty = replace(before, inc="i_empty", acked_seq=0)
    desk.do(lambda: earlier.left_behind(desk.conn, empty, before))
    desk.do(lambda: earlier.taken_over(desk.conn, 0, 1))
    desk.do(lambda: earlier.taken_over(desk.conn, 2, 2))
    assert asked(desk) is None


def test_a_server_that_took_over_is_asked_how_far_it_is_and_told_the_rest(desk: Desk) -> None:
    """It has all: nothing is sent. It has a part: what follows."""
    left(desk)
    desk.do(lambda: earlier.taken_over(desk.conn, 1, 2))
    report = asked(desk)
    assert report is not None
    assert (report.inc, report.after_seq, report.entries, report.wants) == ("i_team", 2, (), ())
    said = replace(answer(desk), acked=Link(1, "x"), resend=True)
    desk.do(lambda: earlier.retold(desk.conn, report, said))
    again = asked(desk)
    assert again is not None
    assert (again.after_seq, len(again.entries), again.end) == (1, 1, report.end)
    desk.do(lambda: earlier.retold(desk.conn, again, replace(said, acked=again.end, resend=False)))
    assert asked(desk) is None


@pytest.mark.parametrize(
    "words",
    [None, {"status": Status.UNKNOWN}, {"status": Status.FORKED}, {"acked": Link(2, "x")},
     {"acked": Link(1, "x"), "resend": False}],
)  # fmt: skip
def test_what_brings_a_server_no_further_is_not_told_without_end(
    desk: Desk, words: dict[str, Any] | None
) -> None:
    """It does not take it, knows no such ledger, has two of them, has it all."""
    left(desk)
    desk.do(lambda: earlier.taken_over(desk.conn, 1, 2))
    report = asked(desk)
    assert report is not None
    said = None if words is None else replace(answer(desk), **words)
    desk.do(lambda: earlier.retold(desk.conn, report, said))
    assert asked(desk) is None
