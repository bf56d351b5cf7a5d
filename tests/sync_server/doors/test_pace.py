"""How fast anyone may knock, on a clock of our own."""

from sync_server.doors.pace import INVITES_PER_HOUR, KEPT, LOCKED_S, MOST, Pace


class Clock:
    """Seconds as we say."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_bucket_empties_and_fills_again() -> None:
    """Sixty at once, then one a second; each name has its own."""
    clock = Clock()
    pace = Pace(clock)
    assert [pace.wait_s("device", "d_1") for _ in range(61)] == [0] * 60 + [1]
    assert pace.wait_s("device", "d_2") == 0
    clock.now_s += 1
    assert [pace.wait_s("device", "d_1") for _ in range(2)] == [0, 1]
    clock.now_s += 3_600
    assert [pace.wait_s("device", "d_1") for _ in range(61)] == [0] * 60 + [1]


def test_looking_takes_nothing() -> None:
    """And says how long it takes."""
    pace = Pace(Clock())
    assert [pace.wait_s("token", "a", 0) for _ in range(50)] == [0] * 50
    for _ in range(MOST["token"]):
        pace.wait_s("token", "a")
    assert pace.wait_s("token", "a", 0) == 3


def test_guessing_from_everywhere_locks_the_door() -> None:
    """Fifty wrong codes in an hour, from whatever addresses, close it for a quarter of an hour."""
    clock = Clock()
    pace = Pace(clock)
    locks = []
    for number in range(INVITES_PER_HOUR + 1):
        assert pace.invite_wait_s(f"a{number}") == 0
        locks.append(pace.wrong_invite(f"a{number}"))
    assert locks == [False] * INVITES_PER_HOUR + [True]
    assert pace.invite_wait_s("another") == LOCKED_S
    clock.now_s += LOCKED_S
    assert pace.invite_wait_s("another") == 0


def test_memory_is_bounded() -> None:
    """Names that are made up push out the oldest."""
    pace = Pace(Clock())
    for number in range(KEPT + 10):
        pace.wait_s("address", str(number))
    assert len(pace._buckets) == KEPT
