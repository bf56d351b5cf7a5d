"""`python -m tests.simulation --runs 200 --seed N`: seeded runs, one line each, faults in full."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.simulation import mixed
from tests.simulation.scenario import scenario
from tests.simulation.world import Verdict, live, simulate


def one(seed: int, *, real_time: bool) -> Verdict:
    """One run in a folder of its own."""
    drawn = scenario(seed, real_time=real_time)
    with tempfile.TemporaryDirectory() as folder:
        if real_time:
            return asyncio.run(live(drawn, Path(folder), None))
        return simulate(drawn, Path(folder))


def main() -> int:
    """Run the seeds; the exit code says whether all of them held."""
    options = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    options.add_argument("--runs", type=int, default=200, help="how many seeds")
    options.add_argument("--seed", type=int, default=0, help="the first seed")
    options.add_argument("--mixed", action="store_true", help="all four dialects at once")
    options.add_argument("--real-time", action="store_true", help="small runs on the real clock")
    asked = options.parse_args()
    began = time.monotonic()
    failed = []
    for seed in range(asked.seed, asked.seed + asked.runs):
        verdict = dialects(seed) if asked.mixed else one(seed, real_time=asked.real_time)
        print(line(verdict) if isinstance(verdict, Verdict) else told(verdict), flush=True)
        if verdict.faults:
            failed.append(seed)
            print("\n".join(f"    {fault}" for fault in verdict.faults), flush=True)
    print(
        f"{asked.runs} runs in {time.monotonic() - began:.0f} s; failing seeds: {failed or 'none'}"
    )
    return 1 if failed else 0


def dialects(seed: int) -> mixed.Verdict:
    """One run of all dialects in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return mixed.simulate(seed, Path(folder))


def told(verdict: mixed.Verdict) -> str:
    """A run of all dialects in one line."""
    statuses = sorted(Counter(each.status for each in verdict.heard).items())
    counts = ", ".join(f"{count} × {status or 'left'}" for status, count in statuses)
    billed_usd = verdict.bill_nusd / 1e9
    return (
        f"seed {verdict.seed:5}: ${billed_usd:.4f} billed, {counts}, {len(verdict.faults)} faults"
    )


def line(verdict: Verdict) -> str:
    """One run in one line."""
    return (
        f"seed {verdict.seed:5}: ${verdict.bill_nusd / 1e9:.4f} billed, {verdict.served:2} served "
        f"({verdict.clamped} clamped, {verdict.estimated} estimated), {verdict.refused:2} refused, "
        f"{verdict.waited:2} waited, {verdict.seconds:.1f} s of its time, "
        f"{len(verdict.faults)} faults"
    )


if __name__ == "__main__":
    sys.exit(main())
