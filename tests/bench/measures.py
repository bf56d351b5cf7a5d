"""What is measured: latencies in turn, streams a second, delay a chunk, holds a second."""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import uvloop

from agentspend.bookkeeper import Bookkeeper, Ledger
from agentspend.bookkeeper.outcomes import Held, HoldRequest, Settlement
from agentspend.core.admission import Ask
from agentspend.core.pricing import Bound
from agentspend.core.scopes import Payer
from agentspend.core.usage import Billing
from agentspend.store.ledger_file import open_ledger
from tests.bench.client import Client, latencies_us
from tests.bench.ways import Way
from tests.support.desk import budget
from tests.support.process import ROOT


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def in_turn(
    ways: Sequence[Way], body: bytes, query: str, *, rounds: int, each: int, think_s: float = 0.0
) -> dict[str, list[float]]:
    """Latencies in µs, the ways taking turns so that a slow moment hits all of them.

    `think_s` is the pause before each request: an agent thinks, runs a tool, and asks again.
    """
    clients = {way.name: Client(way.port, way.path(query), body, way.headers) for way in ways}
    found: dict[str, list[float]] = {way.name: [] for way in ways}
    for client in clients.values():
        latencies_us(client, 5)
    for _ in range(rounds):
        for name, client in clients.items():
            found[name] += latencies_us(client, each, think_s)
    for client in clients.values():
        client.close()
    return found


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second by the clock, and the processor time each took of the one in between."""

    per_second: float
    cpu_us: float


def rate(way: Way, body: bytes, query: str, *, clients: int, each: int) -> Rate:
    """How many requests so many clients get answered at once, each a process of its own.

    Clients, provider and `way` share this machine's processors: `cpu_us` says what one core that
    belonged to `way` alone could do.
    """
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(body)
        words = [sys.executable, "-m", "tests.bench.client", str(way.port), way.path(query),
                 str(each), file.name, json.dumps(way.headers)]  # fmt: skip
        running = [
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
            for _ in range(clients)
        ]
        time.sleep(1.0)
        before, start = way.cpu_s(), time.perf_counter()
        for process in running:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        for process in running:
            process.communicate()
        took_s, cpu_s = time.perf_counter() - start, way.cpu_s() - before
        return Rate(clients * each / took_s, cpu_s / (clients * each) * 1e6)


def holds_per_second(folder: Path, *, settled: bool, clients: int = 32, each: int = 300) -> float:
    """Durable holds a second through the bookkeeper alone, each `settled` or left open."""
    folder.mkdir()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_holds(folder, clients, each, settled=settled))


async def _holds(folder: Path, clients: int, each: int, *, settled: bool = True) -> float:
    connect, _ = open_ledger(folder / "holds.db")
    keeper = Bookkeeper(Ledger(connect, folder, "i_bench", ZoneInfo("UTC"), {"device": "k"}))
    await keeper.start()
    await keeper.declare((budget("bench", "1000000"),), "{}")
    bound = Bound(1_000, 5_000_000_000, 25_000_000, 0, 200_000, 5_000_000, 500_000)
    ask = Ask(bound, bound, 1_000, 1_000, 1_000)
    facts = {"provider": "anthropic", "model": "claude-opus-5", "price": "sha256:bench"}

    async def one(client: int) -> None:
        payer = Payer(agent="bench", session=f"s_{client}")
        for number in range(each):
            rid = f"r_{client}_{number}"
            held = await keeper.hold(HoldRequest(rid, payer, "billed", ask, 0, 2**60, facts))
            assert isinstance(held, Held)
            if not settled:
                continue
            done = {"usage": {"input_tokens": 1}}
            await keeper.settle(Settlement(rid, 1_000, Billing.EXACT, "provider_usage", done))

    start = time.perf_counter()
    await asyncio.gather(*(one(client) for client in range(clients)))
    took_s = time.perf_counter() - start
    await keeper.stop()
    return clients * each / took_s


def command_ms(words: Sequence[str], env: dict[str, str], count: int = 11) -> float:
    """The median wall time of a command, in ms."""
    found = []
    for _ in range(count):
        start = time.perf_counter()
        subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        found.append((time.perf_counter() - start) * 1e3)
    return statistics.median(found)


def idle_cpu_percent(pid: int, seconds: float = 5.0) -> float:
    """The share of one core a process uses while nothing happens."""
    before_s = _ran_s(pid)
    time.sleep(seconds)
    return (_ran_s(pid) - before_s) / seconds * 100


def _ran_s(pid: int) -> float:
    """How long a process has run, all threads: by the scheduler's nanoseconds where it tells them.

    Its processor times come in hundredths of a second: one that passes is 0.2 % of five.
    """
    threads = [*Path(f"/proc/{pid}/task").glob("*/schedstat")]
    if not threads:
        import psutil

        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
