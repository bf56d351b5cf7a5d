"""What the team server costs: a sync, a report, a stored entry, a line held open.

`python -m tests.bench.team` prints how that grows with entries and devices (docs/scale.md), and
`make bench` writes the rows of one sync. Processor time is of the whole process, and is what one
core that belonged to the server alone would need; the clock also waits for the disk and for others.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from sync_server.acts.act import Address, Caller, Moment
from sync_server.acts.table import ACTS
from sync_server.roles import Role
from sync_server.service import Service
from tests.bench.branch import NOW_US, Reporter, enrolled, opened, sync, wants
from tests.bench.ways import fsync_us
from tests.sync_server.postgres import postgres

BATCH = 200
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of one thing done many times, in ms."""

    wall_ms: float
    cpu_ms: float


def measured(service: Service, reporters: list[Reporter], entries: int, count: int) -> Cost:
    """So many syncs of so many entries each, the reporters taking turns."""
    walls, cpus = [], []
    for number in range(count):
        reporter = reporters[number % len(reporters)]
        reporter.spend(entries, NOW_US + number * HOUR_US)
        sealed = reporter.report(wants(reporter))
        wall, cpu = time.perf_counter(), time.process_time()
        answer = service.sync(reporter.device, sealed, NOW_US + number * 1_000)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        reporter.hear(answer)
    return Cost(statistics.median(walls) * 1e3, statistics.median(cpus) * 1e3)


def fill(service: Service, reporters: list[Reporter], have: int, until: int) -> None:
    """Report until so many entries are stored, spread over a year."""
    number = have // BATCH
    while have < until:
        reporter = reporters[number % len(reporters)]
        reporter.spend(BATCH, NOW_US + number * HOUR_US)
        sync(service, reporter, NOW_US + number)
        have, number = have + BATCH, number + 1


def report_ms(service: Service, since_us: int) -> float:
    """A lead's report by project; the median of five."""
    moment = Moment(Caller("lead", Role.LEAD), NOW_US, bytes(32), Address("https://localhost"))
    act, took = ACTS["report"], []
    for _ in range(5):
        start = time.perf_counter()
        service.do(act, act.plan({"by": "project", "since_us": since_us}, moment), NOW_US)
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e3


def size_bytes(service: Service) -> int:
    """How large the database is."""
    with service.engine.connect() as conn:
        if service.engine.dialect.name == "postgresql":
            return int(conn.execute(text("SELECT pg_database_size('team')")).scalar_one())
        pages, size = (
            conn.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("page_count", "page_size")
        )
    return int(pages * size)


@contextmanager
def server(devices: int, database: str = "") -> Iterator[tuple[Service, list[Reporter], Path]]:
    """A server with so many devices that have reported once."""
    with tempfile.TemporaryDirectory() as name:
        service = opened(Path(name), database)
        reporters = enrolled(service, range(1, devices + 1))
        for reporter in reporters[:200]:
            sync(service, reporter)
        yield service, reporters[:200], Path(name)
        service.engine.dispose()


def sync_rows() -> list[tuple[str, str, str]]:
    """What `make bench` writes of the team server: the fastest of several batches, and the slowest.

    Processors of a shared machine change their pace by half within a minute, and nothing else of
    the same kind runs in turn with this.
    """
    with server(80) as (service, reporters, folder):
        measured(service, reporters, BATCH, 10)
        batches = [measured(service, reporters, BATCH, 60) for _ in range(8)]
        one = min(measured(service, reporters, 1, 60).wall_ms for _ in range(4))
        disk_ms = 2 * statistics.median(fsync_us(folder)) / 1e3
    walls, cpus = [each.wall_ms for each in batches], [each.cpu_ms for each in batches]
    return [
        (f"team server: one sync of {BATCH} entries, on SQLite", _most(walls), ""),
        ("the same beside its two fdatasyncs (journal, database)",
         _most([wall - disk_ms for wall in walls]), "≤ 5 ms"),
        ("the same, processor time", _most(cpus), ""),
        ("entries a second that one core could take in", f"{BATCH / min(cpus) * 1e3:,.0f}",
         "≥ 20,000"),
        ("team server: one sync of one entry", f"{one:.1f} ms", ""),
    ]  # fmt: skip


def _most(times_ms: list[float]) -> str:
    return f"{min(times_ms):.1f} ms (slowest batch {max(times_ms):.1f} ms)"


def growth(database: str, sizes: list[int], devices: list[int]) -> None:
    """Print how the costs grow."""
    print("| entries stored | one sync of 200, processor | by the clock | report, all | report, 7 d"
          " | bytes an entry |\n|---|---|---|---|---|---|")  # fmt: skip
    with server(100, database) as (service, reporters, _):
        empty, have = size_bytes(service), 0
        for size in sizes:
            fill(service, reporters, have, size)
            have = size
            each = (size_bytes(service) - empty) / size
            whole = report_ms(service, 0)
            last = NOW_US + size // BATCH * HOUR_US - 7 * 24 * HOUR_US + 1
            week = report_ms(service, max(1, last))
            cost = measured(service, reporters, BATCH, 50)
            have += 50 * BATCH
            print(f"| {size:,} | {cost.cpu_ms:.1f} ms | {cost.wall_ms:.1f} ms | {whole:.0f} ms "
                  f"| {week:.0f} ms | {each:,.0f} |", flush=True)  # fmt: skip
    if database:
        return
    print("\n| devices enrolled | one sync of 200, processor | of one entry |\n|---|---|---|")
    for count in devices:
        with server(count) as (service, reporters, _):
            many = measured(service, reporters, BATCH, 50)
            one = measured(service, reporters, 1, 50)
            print(f"| {count:,} | {many.cpu_ms:.1f} ms | {one.cpu_ms:.1f} ms |", flush=True)


def main() -> int:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options.add_argument("--devices", type=int, nargs="+", default=[10, 100, 1_000, 10_000])
    options.add_argument("--postgresql", action="store_true", help="on one of our own")
    asked = options.parse_args()
    if asked.postgresql:
        with postgres() as address:
            growth(address.replace("postgresql://", "postgresql+psycopg://"), asked.entries, [])
    else:
        growth("", asked.entries, asked.devices)
    return 0


if __name__ == "__main__":
    sys.exit(main())
