"""Whether the server's clock may be believed when it says that a window has ended.

Only the server says when a window ends, and what has begun stays begun: a clock that runs ahead
would give every cap once more, and no lead could take that back. So the organisation remembers the
latest moment it served at; a clock that is further on than a server is usually away is in doubt.
No window ends by it until it is right again, or a lead has said that it is.
"""

MOST_AWAY_US = 7 * 86_400_000_000
"""So long a server may have been off and its clock is believed all the same: a week of holidays. A
clock that is ahead by less is not noticed: caps begin anew that much early."""
NOTED_EVERY_US = 60_000_000
"""The moment is written no oftener: each time costs a row."""


def in_doubt(known_us: int, now_us: int) -> bool:
    """Whether `now_us` is further from the last known moment than may be; 0 is none."""
    return known_us > 0 and now_us - known_us > MOST_AWAY_US


def trusted_us(known_us: int, now_us: int) -> int:
    """The moment by which windows go: the clock's, or the last one known to be right. Never before
    that: by a clock that is behind, as machines have that just began, a cap would be set for a
    window that is over, and what was spent in this one would not count."""
    return known_us if in_doubt(known_us, now_us) else max(known_us, now_us)


def is_due(known_us: int, now_us: int) -> bool:
    """Whether a clock that is believed has gone on enough to be noted. Never back: a clock that
    was wrong behind is no reason to doubt the one that is right."""
    return now_us - known_us >= NOTED_EVERY_US and not in_doubt(known_us, now_us)
