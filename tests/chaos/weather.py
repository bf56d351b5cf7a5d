"""What the network does to one message, drawn from a seed: the fates and how often each comes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Fate(StrEnum):
    """What becomes of one request and its answer on the way."""

    PASSED = "passed"
    LATE = "answered late"
    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    ANSWER_CUT = "answer cut in the middle"
    TWICE = "request doubled at once"
    STRAY = "request lost, and delivered after newer ones"


@dataclass(frozen=True, slots=True)
class Weather:
    """Weights of the fates. `late_s`: the longest delay. `line_s`: a held line lives so long."""

    weights: Mapping[Fate, int]
    late_s: float = 0.0
    line_s: float = 0.0

    def fate(self, chance: Random) -> Fate:
        """Draw one."""
        return chance.choices(list(self.weights), list(self.weights.values()))[0]


CALM = Weather({Fate.PASSED: 1})
STORM = Weather(
    {
        Fate.PASSED: 8,
        Fate.LATE: 3,
        Fate.REQUEST_LOST: 3,
        Fate.ANSWER_LOST: 3,
        Fate.ANSWER_CUT: 2,
        Fate.TWICE: 2,
        Fate.STRAY: 2,
    },
    late_s=1.5,
    line_s=6.0,
)


@dataclass(slots=True)
class Counted:
    """How often each fault was really done, by its name."""

    times: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, count: int = 1) -> None:
        """It happened."""
        self.times[name] = self.times.get(name, 0) + count

    def short_of(self, least: Mapping[str, int]) -> list[str]:
        """Faults that happened less often than they must, in words."""
        return [
            f"{name!r} happened {self.times.get(name, 0)} times, not {count}"
            for name, count in least.items()
            if self.times.get(name, 0) < count
        ]
