"""The loop guard: the same request N times within M minutes, and never sooner."""

from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.loop_guard import KEPT_REQUESTS, KEPT_SESSIONS, Repeats
from agentspend.core.rules import LoopGuard

GUARD = LoopGuard(repeats=3, within_s=60)
SECOND_US = 1_000_000


def test_the_third_of_three_is_one_too_many() -> None:
    """Two came within the minute: one more would be the third."""
    seen = Repeats()
    for second in (0, 10):
        assert not seen.loops(GUARD, "s", b"x", second * SECOND_US)
        seen.note(GUARD, "s", b"x", second * SECOND_US)
    assert seen.loops(GUARD, "s", b"x", 59 * SECOND_US)
    assert not seen.loops(GUARD, "s", b"x", 60 * SECOND_US)
    assert not seen.loops(GUARD, "s", b"y", 59 * SECOND_US)
    assert not seen.loops(GUARD, "t", b"x", 59 * SECOND_US)


def test_what_was_not_answered_is_taken_back() -> None:
    """Retries after errors go on; taking back what is not there changes nothing."""
    seen = Repeats()
    for at_us in range(100):
        assert not seen.loops(GUARD, "s", b"x", at_us)
        seen.note(GUARD, "s", b"x", at_us)
        seen.take_back("s", b"x", at_us)
    seen.take_back("s", b"y", 0)
    seen.take_back("t", b"x", 0)


def test_a_person_lets_it_begin_anew() -> None:
    """Its requests may come as often again."""
    seen = Repeats()
    for _ in range(2):
        seen.note(GUARD, "s", b"x", 0)
    seen.forget("s")
    assert not seen.loops(GUARD, "s", b"x", 1)
    seen.forget("nobody")


@given(st.lists(st.integers(0, 40), max_size=20), st.integers(2, 5), st.integers(1, 60))
def test_it_counts_as_anybody_would(waits: list[int], repeats: int, within_s: int) -> None:
    """Those within the span, this one included, reach the number."""
    guard, seen, done, now_s = LoopGuard(repeats, within_s), Repeats(), list[int](), 0
    for wait_s in waits:
        now_s += wait_s
        inside = sum(at > now_s - within_s for at in done)
        assert seen.loops(guard, "s", b"x", now_s * SECOND_US) == (inside + 1 >= repeats)
        seen.note(guard, "s", b"x", now_s * SECOND_US)
        done.append(now_s)


def test_memory_is_bounded() -> None:
    """Of the last requests of the last sessions, however many come."""
    seen = Repeats()
    for number in range(3 * KEPT_REQUESTS):
        seen.note(GUARD, "s", b"%d" % number, 0)
    assert len(seen) == KEPT_REQUESTS
    for number in range(2 * KEPT_SESSIONS):
        seen.note(GUARD, f"s{number}", b"x", 0)
    assert len(seen) <= KEPT_SESSIONS + KEPT_REQUESTS
