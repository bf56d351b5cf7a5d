"""`make bench`: one run, the ways in turn, written as a table to docs/benchmarks.md.

Figures of one run on one machine: compare the columns, not two runs.
"""

import argparse
import compileall
import json
import math
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench import chunks, measures, million, team
from tests.bench.incumbent import NAMES, litellm
from tests.bench.measures import percentile
from tests.bench.screen import first_frame_ms
from tests.bench.ways import Way, agentspend, bare, fsync_us, nginx, provider
from tests.support.process import ROOT

SMALL = {"model": "claude-opus-5", "max_tokens": 1_000,
         "messages": [{"role": "user", "content": "say hi"}]}  # fmt: skip
VERIFIED = 100_000
"""Entries of a ledger that is verified; a million of them is `make bench-verify`."""
BARE_TIMES, BARE_STREAMS = "≤ 2.4 ×", "≥ 0.60 ×"
"""The targets for a request (1 ms) and for streams (1,500/s) as shares of what the bare proxy did
where they were set (DESIGN.md §7: 0.41 ms, 2,500/s): these hold on any machine."""
INCUMBENT = {15: NAMES[0], 40: NAMES[1]}
"""Which LiteLLM a target names (DESIGN.md §7): a small request beside one without a budget, a large
prompt beside one that has a budget, as ours has in both."""
Adds = dict[str, float]
WORDS = "def total(rows): return sum(row.amount for row in rows)  # kept\n"


def main() -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="write the table to this file")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each way")
    options = parser.parse_args()
    # An installed program has its bytecode; a clone with PYTHONDONTWRITEBYTECODE never gets it.
    compileall.compile_dir(ROOT / "agentspend", quiet=1)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        text = _measure(Path(folder), stack, options.rounds)
    print(text)
    if options.write:
        options.write.write_text(text)
    return 0


def _measure(folder: Path, stack: ExitStack, rounds: int) -> str:
    upstream = stack.enter_context(provider())
    ours, ready_s, home = stack.enter_context(agentspend(folder / "home", upstream))
    incumbent = stack.enter_context(ExitStack())
    ways = [Way("direct", upstream), *_beside(folder, stack, incumbent, upstream), ours]
    rows = [("", *(way.name for way in ways), "agentspend adds")]
    adds = _latencies(ways, rows, rounds)
    stream_us = _rates(ways, rows)
    pieces = _chunks(ways, rows, rounds)
    incumbent.close()  # LiteLLM is busy also while nobody asks.
    _say("holds a second")
    holds, pairs = (
        measures.holds_per_second(folder / f"holds{settled}", settled=settled)
        for settled in (False, True)
    )
    program = str(Path(sys.executable).with_name("agentspend"))
    nothing = measures.command_ms(["true"], home.env)
    run = measures.command_ms([program, "run", "--", "true"], home.env)
    line = measures.command_ms([program, "statusline"], home.env)
    frame = first_frame_ms([program, "top"], home.env)
    _say("idle")
    idle = measures.idle_cpu_percent(ours.pid)
    own: list[tuple[str, ...]] = [
        *_added(adds, *(statistics.median(fsync_us(folder, think_s)) for think_s in (0.0, 0.01))),
        *_streams(stream_us),
        *pieces,
        ("holds a second, 32 clients, durable", f"{holds:,.0f}", "≥ 5,000"),
        ("holds and their settles a second, 32 clients, durable", f"{pairs:,.0f}", ""),
        ("daemon: command to ready", f"{ready_s:.2f} s", "≤ 1 s"),
        ("daemon: resident memory after the run", f"{ours.resident_mb():.0f} MB", "≤ 90 MB"),
        ("daemon: CPU while idle", f"{idle:.1f} %", "0.0 %"),
        ("`agentspend run -- true` over bare `true`", f"{run - nothing:.0f} ms", "≤ 200 ms"),
        ("`agentspend statusline`", f"{line:.0f} ms", "≤ 80 ms"),
        ("`agentspend top`: shell to first frame", f"{frame:.0f} ms", "≤ 1,000 ms"),
        *_team(),
    ]
    return _text(rows, own)


def _team() -> list[tuple[str, str, str]]:
    _say("the team server")
    rows = team.sync_rows()
    _say("ledgers are verified")
    return [*rows, *million.rows(VERIFIED)]


def _beside(folder: Path, stack: ExitStack, incumbent: ExitStack, upstream: int) -> list[Way]:
    """What agentspend is compared with: nginx and LiteLLM where they are installed."""
    (folder / "nginx").mkdir()
    _say("LiteLLM starts")
    found = (
        stack.enter_context(nginx(folder / "nginx", upstream)),
        stack.enter_context(bare(folder / "bare", upstream)),
        *(
            incumbent.enter_context(litellm(folder / f"litellm{place}", upstream, name))
            for place, name in enumerate(NAMES)
        ),
    )
    return [way for way in found if way is not None]


def _latencies(ways: list[Way], rows: list[tuple[str, ...]], rounds: int) -> dict[str, Adds]:
    """A row a percentile; returns what each way adds at the median, in µs, by row and way."""
    small, large = _compact(SMALL), _large()
    adds: dict[str, Adds] = {}
    for label, body, query, each, think_s in (
        ("small request", small, "", 25, 0.0),
        ("small request, 10 ms apart", small, "", 10, 0.01),
        ("420 KB prompt, known conversation", large, "", 5, 0.0),
        ("420 KB prompt, 10 ms apart", large, "", 5, 0.01),
        ("50-event stream", small, "?stream", 25, 0.0),
    ):
        _say(label)
        found = measures.in_turn(ways, body, query, rounds=rounds, each=each, think_s=think_s)
        rows += _latency_rows(label, found, ways)
        direct = percentile(found[ways[0].name], 50)
        adds[label] = {name: percentile(took, 50) - direct for name, took in found.items()}
    return adds


def _added(adds: dict[str, Adds], sync_us: float, rested_us: float) -> list[tuple[str, str, str]]:
    """What agentspend adds at the median, alone and beside the other ways."""
    rows = []
    for label, most, share in (
        ("small request", "≤ 1 ms", 15),
        ("small request, 10 ms apart", "≤ 1 ms", 15),
        ("420 KB prompt, known conversation", "≤ 3 ms", 40),
    ):
        added = adds[label]
        ours = added["agentspend"]
        alone_us = ours - (rested_us if "apart" in label else sync_us)
        least = f"{ours / added['bare aiohttp']:.1f} ×"
        times = BARE_TIMES if share == 15 else ""
        rows.append((f"{label}: adds, against the bare proxy of this run", least, times))
        rows.append((f"{label}: adds at p50, beside its one fdatasync", _ms(alone_us), most))
        for name in NAMES:
            if name in added:
                aim = f"≤ 1/{share}" if name == INCUMBENT[share] else ""
                theirs = f"{_share(added[name], alone_us)}, with it {_share(added[name], ours)}"
                rows.append((f"{label}: the same, against {name}", theirs, aim))
    rows.append(("fdatasync of 4 KiB on this disk, p50", _ms(sync_us), ""))
    rows.append(("the same, 10 ms apart", _ms(rested_us), ""))
    return rows


def _share(whole: float, part: float) -> str:
    """How many times a part goes into the whole, never rounded in its favour."""
    return f"1/{math.floor(whole / part * 10) / 10:.1f}"


def _ms(us: float) -> str:
    return f"{us / 1e3:.2f} ms"


def _streams(stream_us: dict[str, float]) -> list[tuple[str, str, str]]:
    """How many streams one core of ours could do, alone and as a share of the bare proxy's."""
    ours = stream_us["agentspend"]
    share = f"{stream_us['bare aiohttp'] / ours:.2f} ×"
    return [
        ("streams a second that one core could do", f"{1e6 / ours:,.0f}", "≥ 1,500"),
        ("the same, against the bare proxy of this run", share, BARE_STREAMS),
    ]


def _rates(ways: list[Way], rows: list[tuple[str, ...]]) -> dict[str, float]:
    """Two rows of requests and of streams; returns the processor time of a stream by way, in µs."""
    _say("requests a second")
    small, rates = _compact(SMALL), list[measures.Rate]()
    for label, query in (("small requests", ""), ("streams", "?stream")):
        rates = [measures.rate(way, small, query, clients=16, each=way.each) for way in ways]
        rows.append((f"{label}/s, 16 clients", *(f"{one.per_second:,.0f}" for one in rates), ""))
        rows.append((f"{label}: processor time each",
                     *(f"{one.cpu_us / 1e3:.2f} ms" if one.cpu_us else "" for one in rates),
                     f"one core: {1e6 / rates[-1].cpu_us:,.0f}/s"))  # fmt: skip
    return {way.name: one.cpu_us for way, one in zip(ways, rates, strict=True)}


def _chunks(
    ways: list[Way], rows: list[tuple[str, ...]], rounds: int
) -> list[tuple[str, str, str]]:
    """Two rows of what each piece of a stream waits; returns what agentspend adds beside nginx.

    LiteLLM is left out: it breaks so many streams off.
    """
    _say("delay a piece")
    able = [way for way in ways if way.name not in NAMES]
    found: dict[str, list[float]] = {way.name: [] for way in able}
    for _ in range(max(1, rounds // 5)):
        for way in able:
            found[way.name] += chunks.delays_us(way, _compact(SMALL), streams=50)
    for label, *cells in _latency_rows("piece of a stream, 50 at once", found, able):
        shown = iter(cells)
        rows.append((label, *(next(shown) if way in able else "" for way in ways), *shown))
    late = {name: percentile(delays, 99) for name, delays in found.items()}
    added = {name: delay - late["direct"] for name, delay in late.items()}
    if "nginx" not in added:
        return []
    ratio = f"{added['agentspend'] / added['nginx']:.1f} ×"
    return [("a piece of a stream, 50 at once: adds at p99, against nginx", ratio, "≤ 3 ×")]


def _latency_rows(
    label: str, found: dict[str, list[float]], ways: list[Way]
) -> list[tuple[str, ...]]:
    rows = []
    for percent in (50, 99):
        values = [percentile(found[way.name], percent) for way in ways]
        shown = [_ms(value) for value in values]
        rows.append((f"{label}, p{percent}", *shown, _ms(values[-1] - values[0])))
    return rows


def _large() -> bytes:
    """A 420 KB prompt with cache marks, as a warm session sends it."""
    block = {"type": "text", "text": WORDS * (420_000 // len(WORDS)),
             "cache_control": {"type": "ephemeral"}}  # fmt: skip
    return _compact({**SMALL, "messages": [{"role": "user", "content": [block]}]})


def _compact(body: dict[str, Any]) -> bytes:
    """As every agent we recorded writes it: without spaces."""
    return json.dumps(body, separators=(",", ":")).encode()


def _text(rows: list[tuple[str, ...]], own: list[tuple[str, ...]]) -> str:
    head = (
        "# Benchmarks\n\nWritten by `make bench`: one run, the ways in turn, every request with a"
        " hold on disk first.\nCompare the columns of this run, not two runs.\n\n"
        "Back to back, a request also waits for what the one before it left to write; agents think"
        " in between,\nas in the rows with 10 ms. Clients, provider and daemon share the"
        " processors, so that requests a second\nsay what this machine does with all of them: the"
        " processor time each takes says what one core could do.\n\n"
        "`bare aiohttp` is the least a proxy of this kind can cost: aiohttp both ways and two"
        " commits with their fdatasync,\nnothing read, checked or metered (tests/bench/bare.py)."
        " LiteLLM runs without a database\n(`make bench-litellm` installs it), once without a"
        " budget and once with one on the caller's key, which it then\nreserves for every request;"
        " the others but agentspend have none.\nLiteLLM writes nothing down: beside it stands what"
        " we add besides our fdatasync, then with it.\n\n"
        "An interpreter built without profile-guided optimisation (pyenv's default; distributions"
        " and uv build with it)\ntook half as long again for plain Python here.\n\n"
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python"
        f" {platform.python_version()}, SQLite {sqlite3.sqlite_version}.\n\n"
    )
    return head + _table(rows) + "\n" + _table([("", "measured", "target"), *own])


def _table(rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


def _say(what: str) -> None:
    print(f"measuring: {what} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
