"""`python -m tests.chaos --seconds 60`: one server, eight daemons, and all that can go wrong.

`--database postgresql` sets up a PostgreSQL of its own, `both` is a run on each, side by side.
`--plant NAME` (or `all`) plants a bug,
which the run must find.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import pytest

from tests.chaos import run as running
from tests.chaos.least import least
from tests.chaos.planted import PLANTS
from tests.chaos.run import Report
from tests.chaos.world import NotBegun, World
from tests.sync_server.postgres import postgres

DATABASES = ("sqlite", "postgresql")
SHOWN = 12
TOO_SELDOM, NOT_BEGUN = 3, 4
BEGINS = 3


def main() -> int:
    """Run, tell, judge; not 0 when anything does not hold, faults were too few twice, or the team
    could not be set up three times."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="sqlite")
    parser.add_argument("--plant", choices=["", "all", *PLANTS], default="")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.database == "both":
        return _side_by_side(sys.argv[1:])
    if options.plant:
        plants = list(PLANTS) if options.plant == "all" else [options.plant]
        return max([_begun(options, plant) for plant in plants])
    failed = _begun(options, "")
    if failed == TOO_SELDOM:
        options.seed += 1
        failed = _begun(options, "")
    return failed


def _side_by_side(words: list[str]) -> int:
    """The same on each database at once; what each says is told when it has ended."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.chaos", *words, "--database", database],
            stdout=subprocess.PIPE, text=True,
        )
        for database in DATABASES
    ]  # fmt: skip
    try:
        for each in runs:
            assert each.stdout is not None
            say(each.stdout.read())
        return max(each.wait() for each in runs)
    except BaseException:
        for each in runs:
            each.terminate()
        raise


def _begun(options: argparse.Namespace, plant: str) -> int:
    """One run; again on other ports where it did not begin."""
    for _ in range(BEGINS):
        if (failed := _one(options, plant)) != NOT_BEGUN:
            break
    return failed


def _one(options: argparse.Namespace, plant: str) -> int:
    """One run in a folder of its own, which stays when something is wrong; 0, 1, `TOO_SELDOM` or
    `NOT_BEGUN`."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    _quiet(folder / "noise.log")
    again = (
        f"python -m tests.chaos --seconds {options.seconds:.0f} --database {options.database}"
        f" --seed {options.seed}" + (f" --plant {plant}" if plant else "")
    )
    say(again)
    try:
        with contextlib.ExitStack() as stack:
            database = stack.enter_context(postgres()) if options.database == "postgresql" else ""
            report, world = asyncio.run(
                running.run(folder, options.seed, options.seconds, database, plant)
            )
    except pytest.skip.Exception as reason:
        say(f"skipped: {reason}")
        return 0
    except NotBegun:
        say(f"{traceback.format_exc()}the team could not be set up; all files are kept in {folder}")
        return NOT_BEGUN
    except (Exception, pytest.fail.Exception):
        say(f"{traceback.format_exc()}✗ the run itself failed; all files are kept in {folder}")
        return 1
    say(table(report, world))
    if plant:
        shutil.rmtree(folder)
        return _found(plant, report)
    short = world.counted.short_of(least(options.seconds))
    for text in [*report.wrong[:SHOWN], *short]:
        say(f"✗ {text}")
    if short and not report.wrong:
        say("nothing is wrong, but this run proves too little: another seed, once")
        shutil.rmtree(folder)
        return TOO_SELDOM
    if report.wrong:
        say(f"{len(report.wrong)} things are wrong; all files are kept in {folder}\n→ {again}")
        return 1
    shutil.rmtree(folder)
    say("✓ no cap was passed, nothing is lost, every ledger is whole, everybody was served again")
    return 0


def _found(plant: str, report: Report) -> int:
    """A planted bug must be found."""
    for text in report.wrong[:SHOWN]:
        say(f"  {text}")
    say(f"{'✓ found' if report.wrong else '✗ NOT FOUND'}: the planted bug {plant}")
    return 0 if report.wrong else 1


def say(text: str) -> None:
    """One line, at once: the run takes minutes."""
    print(text, flush=True)


def table(report: Report, world: World) -> str:
    """The run in figures."""
    told, allowed, cashier = report.verdict, world.cashier.allowed, world.cashier
    server, daemons = world.server.starts_s, [s for d in world.devices for s in d.starts_s]
    billed = f"{told.billed}: ${told.billed_nusd / 1e9:.4f}, charged ${told.charged_nusd / 1e9:.4f}"
    heard = world.heard
    lowered = f"{allowed.lowered} lowered, {allowed.below_committed} of them below the committed"
    starts = (
        f"server {len(server)}, at most {max(server):.2f} s;"
        f" daemons {len(daemons)}, at most {max(daemons):.2f} s"
    )
    rows = [
        *((f"  {name}", f"{count}") for name, count in sorted(world.counted.times.items())),
        ("requests billed", billed),
        ("charged by", ", ".join(f"{n} × {name}" for name, n in told.evidence.most_common())),
        ("settlements announced", f"{told.acked}; {told.at_server} stand at the server"),
        ("answers", f"{len(heard.complete)} whole, {heard.broken} broken, others {heard.other}"),
        ("caps", f"{lowered}; {allowed.raised} raised"),
        *((f"  the bill came to {share:.1%} of", name) for name, share in cashier.nearest.items()),
        ("looks at the bill", f"{cashier.looks}"),
        ("ledgers at the server", f"{told.ledgers}"),
        *((name, f"{fact}") for name, fact in report.facts.items()),
        ("starts", starts),
        ("took", ", ".join(f"{name} {s:.0f} s" for name, s in report.took_s.items())),
    ]
    return "\n".join(f"{name:<52}{text}" for name, text in rows)


def _quiet(log: Path) -> None:
    """The complaints of connections that broke go to a file."""
    if "CHAOS_LOUD" in os.environ:
        return
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, sys.stderr.fileno())
    os.close(handle)


if __name__ == "__main__":
    sys.exit(main())
