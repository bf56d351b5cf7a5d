"""`python -m tests.simulation.month --demand 130 [--days 30] [--seed N]`: live a month, and judge.

The exit code says whether all that is asked of it held.
"""

import argparse
import sys
import time

from tests.simulation.month.plan import USD, Plan
from tests.simulation.month.world import Outcome, month

MOST_MESSAGES = 100
SERVED_FOR_EACH = 100_000
"""One refusal in so many requests may find what it needs in crumbs on devices that are at work."""


def main() -> int:
    """Live one month and say how it went."""
    options = argparse.ArgumentParser(prog="python -m tests.simulation.month", description=__doc__)
    options.add_argument("--demand", type=int, default=95, help="in percent of the cap")
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    plan = Plan(asked.demand, seed=asked.seed, days=asked.days)
    began = time.monotonic()
    outcome = month(plan)
    print(told(plan, outcome), f"{time.monotonic() - began:.0f} s", sep="\n")
    found = faults(plan, outcome)
    print(*found, sep="\n")
    return 1 if found else 0


def faults(plan: Plan, outcome: Outcome) -> list[str]:
    """What is asked of a month and did not hold."""
    found = []
    if outcome.overshoot_nusd > 0:
        found.append(f"a cap was passed by {outcome.overshoot_nusd} nano-USD")
    if len(outcome.stranded) * SERVED_FOR_EACH > outcome.served:
        found += [f"refused for stranding: {line}" for line in outcome.stranded]
    if outcome.messages_per_day(plan) > MOST_MESSAGES:
        found.append(f"{outcome.messages_per_day(plan):.1f} messages per device and day")
    return found


def told(plan: Plan, outcome: Outcome) -> str:
    """A month in a few lines."""
    refused = ", ".join(f"{count:,} {why}" for why, count in sorted(outcome.refused.items()))
    return (
        f"{plan.devices} devices, {plan.days} days, demand {plan.demand_percent} % of the cap\n"
        f"spent ${outcome.spent_nusd / USD:,.2f} of ${plan.cap_nusd / USD:,.0f}, asked for "
        f"${outcome.demand_nusd / USD:,.2f}; overshoot ${outcome.overshoot_nusd / USD:.2f}\n"
        f"{outcome.served:,} requests served, {outcome.waited:,} waited for the server; refused: "
        f"{refused or 'none'}{'; ' if outcome.stranded else ''}{'; '.join(outcome.stranded)}\n"
        f"messages per device and day: {outcome.messages_per_day(plan):.1f} "
        f"(95 % of days at most {outcome.usual_messages}, the busiest {outcome.most_messages})"
    )


if __name__ == "__main__":
    sys.exit(main())
