"""When a device talks again."""

from agentspend.sync.pace import (
    FIRST_AGAIN_S,
    LAST_AGAIN_S,
    LINE_AGAIN_S,
    REPORT_EVERY_S,
    LinePace,
    Pace,
)


def test_a_silent_server_is_asked_less_and_less_often() -> None:
    """Doubling, up to some minutes; an answer begins anew."""
    pace = Pace()
    waits = [pace.silent() for _ in range(10)]
    assert waits[:3] == [FIRST_AGAIN_S, 2 * FIRST_AGAIN_S, 4 * FIRST_AGAIN_S]
    assert waits[-1] == LAST_AGAIN_S
    assert pace.answered() == REPORT_EVERY_S
    assert pace.silent() == FIRST_AGAIN_S
    assert pace.refused() == LAST_AGAIN_S


def test_what_is_coming_is_asked_for_in_a_moment() -> None:
    """And that talk is not left out."""
    pace = Pace()
    assert pace.answered(1_500_000) == 1.5
    assert not pace.may_skip(0)


def test_every_other_talk_about_nothing_is_left_out() -> None:
    """Half an hour at most passes, and a quarter when there is something to tell."""
    pace = Pace()
    pace.answered()
    assert pace.may_skip(0)
    assert not pace.may_skip(0)
    pace.answered()
    assert not pace.may_skip(3)
    pace.silent()
    assert not pace.may_skip(0)


def test_a_line_that_breaks_is_opened_again() -> None:
    """Less and less often where it cannot be had, once a minute where it opens and breaks."""
    pace = LinePace()
    assert [pace.broke(0) for _ in range(3)] == [
        FIRST_AGAIN_S,
        2 * FIRST_AGAIN_S,
        4 * FIRST_AGAIN_S,
    ]
    assert max(pace.broke(0) for _ in range(9)) == LAST_AGAIN_S
    assert pace.broke(1) == LINE_AGAIN_S
    assert pace.broke(2) == FIRST_AGAIN_S
    assert pace.broke(1) == 2 * FIRST_AGAIN_S
