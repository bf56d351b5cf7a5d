"""`python -m tests.simulation.team --steps N --seed S [--jobs J]`, or `--replay SEED`."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.team.world import History, history

STEPS_EACH = 2_000


def main() -> int:
    """Run seeds until the steps are used up; the exit code says whether all of them held."""
    options = argparse.ArgumentParser(prog="python -m tests.simulation.team", description=__doc__)
    options.add_argument("--steps", type=int, default=1_000_000, help="steps in all")
    options.add_argument("--seed", type=int, default=1, help="the first seed")
    options.add_argument("--jobs", type=int, default=1, help="processes")
    options.add_argument("--each", type=int, default=STEPS_EACH, help="steps of one seed")
    options.add_argument("--twins", action="store_true", help="thaw virtual machines twice")
    options.add_argument("--teams", action="store_true", help="members of two teams come and go")
    options.add_argument("--replay", type=int, help="run one seed and print every step")
    asked = options.parse_args()
    if asked.replay is not None:
        found = history(asked.replay, asked.each, print, twins=asked.twins, teams=asked.teams)
        print(line(found))
        return 1 if found.fault else 0
    began = time.monotonic()
    seeds = range(asked.seed, asked.seed + -(-asked.steps // asked.each))
    with ProcessPoolExecutor(asked.jobs) as pool:
        run = partial(history, steps=asked.each, twins=asked.twins, teams=asked.teams)
        found_all = list(pool.map(run, seeds, chunksize=8))
    return told(found_all, time.monotonic() - began)


def told(histories: list[History], seconds: float) -> int:
    """Print what was seen, the faults in full."""
    failed = [each for each in histories if each.fault]
    for each in failed:
        print(line(each))
    totals: dict[str, int] = {}
    for each in histories:
        for name, count in each.counts.items():
            totals[name] = totals.get(name, 0) + count
    print(", ".join(f"{count:,} {name}" for name, count in totals.items()))
    steps, billed = sum(each.steps for each in histories), sum(each.billed for each in histories)
    print(f"{steps:,} steps, {len(histories):,} histories, {billed:,} requests billed, "
          f"{len(failed)} failed, {seconds:.0f} s")  # fmt: skip
    return 1 if failed else 0


def line(found: History) -> str:
    """One history in one line, with the way to see it again."""
    if not found.fault:
        return f"seed {found.seed}: all held in {found.steps} steps"
    return (
        f"seed {found.seed}, step {found.steps}: {found.fault}\n"
        f"    python -m tests.simulation.team --replay {found.seed}{' --twins' * found.twins}"
        f"{' --teams' * found.teams}"
    )


if __name__ == "__main__":
    sys.exit(main())
