"""`python -m tests.torture --cycles 500 --each 20`: the long run, with its table at the end."""

import argparse
import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.torture.cycles import Failure, Report, Torture

RESTART_WITHIN_S = 1.5


def main() -> int:
    """Run, tell, and judge the restarts; 1 when anything does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--each", type=int, default=20, help="hits of every point, at least")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    _quiet(folder / "provider.log")
    say(f"seed {options.seed}: {options.cycles} cycles, every point at least {options.each} times")
    again = (
        f"python -m tests.torture --cycles {options.cycles} --each {options.each}"
        f" --seed {options.seed}"
    )
    began_s = time.monotonic()
    torture = Torture(folder, options.seed, say)
    try:
        report = asyncio.run(torture.run(options.cycles, options.each, more=True, verify_every=25))
    except Failure as failure:
        say(f"✗ {failure}\n  ledger, bill and logs are kept in {folder}\n→ {again}")
        return 1
    shutil.rmtree(folder)
    say(table(report, options.each, time.monotonic() - began_s))
    late = [took_s for took_s in report.restarts_s if took_s > RESTART_WITHIN_S]
    short = [point for point, hits in report.hits.items() if hits < options.each]
    if late or short:
        say(f"✗ {len(late)} restarts above {RESTART_WITHIN_S} s; hit too seldom:"
            f" {', '.join(short) or 'none'}\n→ {again}")  # fmt: skip
        return 1
    say("✓ nothing lost, nothing charged below its bill, no budget passed")
    return 0


def say(text: str) -> None:
    """One line, at once: the run takes minutes."""
    print(text, flush=True)


def table(report: Report, each: int, took_s: float) -> str:
    """The run in figures."""
    told, heard = report.told, report.heard
    billed, charged = report.billed_nusd / 1e9, report.charged_nusd / 1e9
    other = ", ".join(f"{count} × {status}" for status, count in sorted(heard.other.items()))
    how = f"{told.exact} exactly, {told.estimated} by estimate, {told.crashed} in full"
    rows = [
        ("died at", f"times, each at least {each}"),
        *((f"  {point}", f"{hits}") for point, hits in sorted(report.hits.items())),
        ("cycles", f"{report.cycles} in {took_s:.0f} s, {report.missed} points not reached"),
        ("settlements announced", f"{told.acknowledged}, 0 lost"),
        ("answers read whole", f"{told.completed}, 0 uncharged, {told.completed_crashed} in full"),
        ("requests billed", f"{told.billed}: charged {how} after a crash"),
        ("holds recovered", f"{report.recovered}, {told.crashed_unsent} never seen upstream"),
        ("refused for the budget", f"{heard.refused}; {heard.broken} answers broken; {other}"),
        ("billed, charged", f"${billed:.4f}, ${charged:.4f}"),
        ("ledger", f"{report.entries} entries, unbroken"),
        ("restart to ready", report.restarts()),
    ]
    return "\n".join(f"{name:<26}{text}" for name, text in rows)


def _quiet(log: Path) -> None:
    """The provider's complaints of connections that broke go to a file."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, sys.stderr.fileno())
    os.close(handle)


if __name__ == "__main__":
    sys.exit(main())
