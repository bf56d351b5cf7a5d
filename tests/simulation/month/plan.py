"""What a month is made of: who works when, on what, and how dear; drawn once from a seed."""

import math
import random
from dataclasses import dataclass, field

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
BEGINS_US = 1_780_264_800_000_000
"""Monday, 1 June 2026, 00:00 in Berlin: a month of thirty days, all of them of 24 hours."""
USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a month. `demand_percent`: what would be spent, in percent of the cap.

    The study's (§2.9): 80 devices, four sessions a day of forty requests in three lanes, bounds of
    1.5 to 6 times the true cost, a tenth of the devices cut off from the server at any moment, for
    four hours on average, and able to reach their provider all the while.
    """

    demand_percent: int
    seed: int = 1
    devices: int = 80
    days: int = 30
    sessions: int = 4
    requests: int = 40
    lanes: int = 3
    cap_nusd: int = 2_000 * USD
    teams: int = 8
    projects: int = 12
    cut_off_percent: int = 10
    cut_off_hours: int = 4

    @property
    def each_nusd(self) -> int:
        """What a request costs on average."""
        count = self.devices * self.days * self.sessions * self.requests
        return self.cap_nusd * self.demand_percent // 100 // count


@dataclass(frozen=True, slots=True)
class Person:
    """One device and its owner. `weight` is how dear their requests are, 1 on average."""

    name: str
    team: str
    projects: tuple[str, ...]
    weight: float
    always_on: bool


@dataclass(slots=True)
class Draw:
    """The people of a plan, and the dice for their days."""

    plan: Plan
    rng: random.Random = field(init=False)
    people: list[Person] = field(init=False)

    def __post_init__(self) -> None:
        """Draw the people: a few spend most of the money."""
        plan = self.plan
        self.rng = rng = random.Random(plan.seed)
        raw = [rng.lognormvariate(0, 1) for _ in range(plan.devices)]
        scale = plan.devices / sum(raw)
        self.people = [
            Person(
                name=f"m{number}",
                team=f"t{number % plan.teams}",
                projects=tuple(f"p{rng.randrange(plan.projects)}" for _ in range(2)),
                weight=weight * scale,
                always_on=number % 10 == 9,
            )
            for number, weight in enumerate(raw)
        ]

    def caps(self) -> dict[str, tuple[str, int]]:
        """Every pool: its kind and its cap. The organisation's month is what the plan is about;
        a team's day runs out on its busiest days, a member's and a project's month for a few."""
        plan = self.plan
        day_nusd = plan.cap_nusd // plan.days
        found = {"org.month": ("month", plan.cap_nusd), "org.day": ("day", 2 * day_nusd)}
        spent = sum(person.weight for person in self.people)
        for team in sorted({person.team for person in self.people}):
            part = sum(each.weight for each in self.people if each.team == team) / spent
            found[f"{team}.day"] = ("day", int(day_nusd * part * 1.4))
        for person in self.people:
            found[f"{person.name}.month"] = (
                "month",
                int(plan.cap_nusd * person.weight / spent * 1.3),
            )
        for number in range(plan.projects):
            found[f"p{number}.month"] = ("month", plan.cap_nusd // plan.projects * 3)
        return found

    def cost(self, person: Person) -> tuple[int, int]:
        """A request's true cost and its bound."""
        spread = self.rng.lognormvariate(0, 0.8) / math.exp(0.32)
        cost = max(1, int(self.plan.each_nusd * person.weight * spread))
        return cost, int(cost * self.rng.uniform(1.5, 6.0))

    def day(self, person: Person) -> tuple[int, int]:
        """From when until when a laptop is awake on a day, from its midnight on."""
        if person.always_on:
            return 0, DAY_US
        return (
            int(self.rng.uniform(7.0, 8.5) * HOUR_US),
            int(self.rng.uniform(18.5, 21.0) * HOUR_US),
        )

    def sessions(self) -> list[int]:
        """When the sessions of a day begin."""
        count = self.plan.sessions
        return sorted(int(self.rng.uniform(8.5, 17.8) * HOUR_US) for _ in range(count))

    def gap(self) -> int:
        """How long somebody thinks before the next request."""
        return int(self.rng.expovariate(1 / 40) * SECOND_US)

    def duration(self) -> int:
        """How long a response takes."""
        return int(self.rng.uniform(4, 25) * SECOND_US)
