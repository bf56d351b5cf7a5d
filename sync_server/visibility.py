"""What people who are no leads see of other members: names, numbers in place of names, or sums.

A lead answers for the bill and sees names. The widest word of the organisation's and of the own
team's rules counts; without any, others are a sum. Numbers go by rank in each answer, so that
nobody is followed from one to the next by them.
"""

from enum import IntEnum
from typing import Any


class Visibility(IntEnum):
    """From the least that is told to the most."""

    AGGREGATE = 0
    PSEUDONYMOUS = 1
    NAMED = 2


def of(*rules: dict[str, Any]) -> Visibility:
    """What these rules allow together."""
    return max((_of(each) for each in rules), default=Visibility.AGGREGATE)


def _of(rules: dict[str, Any]) -> Visibility:
    return Visibility[str(rules.get("visibility", "aggregate")).upper()]


def numbered(rank: int, kind: str = "member") -> str:
    """What stands in place of a name."""
    return f"{kind} {rank}"
