"""How long it takes to verify a ledger of a million entries, on the device and on the server, and
to report on the device's.

`make bench-verify` builds both (a minute or two, and four gigabytes that are taken away again),
runs the commands people run, and then flips one bit of one entry: both must name it. What is
printed is of this machine: the clock, the processor time and the memory of the command.
"""

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentspend.bookkeeper.chain import entry_payer
from agentspend.store import checkpoints, entries, spending
from agentspend.store.ledger_file import open_ledger
from agentspend.wire import signing
from agentspend.wire.entries import decode, entry_hash
from tests.bench.branch import NOW_US, SERVER_KEY, Reporter, enrolled, opened, sync
from tests.support.process import Home

PART = 5_000
HOUR_US = 3_600_000_000
SETTINGS = """
name = "Acme"
url = "http://127.0.0.1:4747"
listen = "127.0.0.1"
port = 0
database = ""
certificate = ""
key = ""
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """One command: what it said, and what it took."""

    said: dict[str, Any]
    wall_s: float
    cpu_s: float
    resident_mb: float


def parts(reporter: Reporter, count: int) -> Iterator[list[str]]:
    """A device's entries from its first on, thousands at a time."""
    made = 1
    while made <= count:
        reporter.spend(min(PART, count - made), NOW_US + made * HOUR_US // 200)
        bodies = list(reporter.waiting)
        yield bodies
        made += max(1, len(bodies) - (made == 1))


def on_the_device(home: Home, count: int) -> None:
    """A device's ledger of so many entries, signed now and then."""
    connect, _ = open_ledger(home.home / "ledger.db")
    conn, reporter, seq = connect(), Reporter(1), 0
    for bodies in parts(reporter, count):
        reporter.waiting.clear()
        conn.execute("BEGIN IMMEDIATE")
        for text in bodies:
            body, seq = text.encode(), seq + 1
            entry = decode(body)
            row = entries.Row(
                seq, entry_hash(body), body, entry.kind, entry.ts, entry.ts,
                entry.amount_nusd or 0, entry.counted or "", entry.rid or "", entry_payer(entry),
            )  # fmt: skip
            if entry.kind in spending.KINDS:
                spending.add(conn, row, entry.evidence or "", entry.usage)
            entries.append(conn, row)
        end = reporter.end
        signed = signing.sign(
            reporter.key, "checkpoint", signing.checkpoint(reporter.inc, seq, end.hash, NOW_US)
        )
        checkpoints.put(conn, seq, end.hash, NOW_US, "k", signed.hex())
        conn.execute("COMMIT")
    conn.close()


def on_the_server(folder: Path, count: int) -> None:
    """A server's folder with one ledger of so many entries."""
    service = opened(folder)
    (reporter,) = enrolled(service, range(1, 2))
    for _ in parts(reporter, count):
        sync(service, reporter)
    service.engine.dispose()
    assert service.journal is not None
    service.journal.close()
    (folder / "server.toml").write_text(SETTINGS)
    (folder / "signing.key").write_text(SERVER_KEY.hex())


def ran(program: str, *words: str, env: dict[str, str]) -> Ran:
    """Run one of our programs and take its measure."""
    started = time.perf_counter()
    command = [str(Path(sys.executable).with_name(program)), *words, "--json"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - started
    return Ran(json.loads(out), wall_s, usage.ru_utime + usage.ru_stime, _resident_mb(usage))


def _resident_mb(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def flip(path: Path, where: str) -> None:
    """Change one bit of one entry: a status of 200 becomes 201."""
    conn = sqlite3.connect(path, isolation_level=None)
    for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        conn.execute(f"DROP TRIGGER {name}")
    ((kind, body),) = conn.execute(
        f"SELECT typeof(body), CAST(body AS TEXT) FROM entry WHERE {where}"
    ).fetchall()
    changed = body.replace('"status":200', '"status":201')
    assert changed != body
    conn.execute(
        f"UPDATE entry SET body = ? WHERE {where}",
        (changed.encode() if kind == "blob" else changed,),
    )
    conn.close()


def measure(folder: Path, count: int) -> Iterator[tuple[str, Ran]]:
    """Each way in turn: sound, with a daemon, changed."""
    home, server = Home(folder / "device"), folder / "server"
    server.mkdir()
    bad = f"seq = {count * 7 // 10}"
    _say(f"a device's ledger of {count:,}")
    on_the_device(home, count)
    yield "device, no daemon", ran("agentspend", "verify", env=home.env)
    report = ("report", "all", "--by", "project,model")
    yield "report, no daemon", ran("agentspend", *report, env=home.env)
    assert home.run("daemon", "start").returncode == 0
    yield "device, asking its daemon", ran("agentspend", "verify", env=home.env)
    yield "report, asking its daemon", ran("agentspend", *report, env=home.env)
    assert home.run("daemon", "stop").returncode == 0
    flip(home.home / "ledger.db", bad)
    yield "device, one bit changed", ran("agentspend", "verify", env=home.env)
    _say(f"a server's ledger of {count:,}")
    on_the_server(server, count)
    env = {**home.env, "AGENTSPEND_SERVER_FOLDER": str(server)}
    yield "server", ran("agentspend-server", "verify", env=env)
    flip(server / "server.db", bad)
    yield "server, one bit changed", ran("agentspend-server", "verify", env=env)


def rows(count: int) -> list[tuple[str, str, str]]:
    """What `make bench` writes."""
    with tempfile.TemporaryDirectory() as name:
        found = dict(measure(Path(name), count))
    return [
        (f"verify, {count:,} entries, on the {side}: by the clock, processor, memory",
         f"{each.wall_s:.1f} s, {each.cpu_s:.1f} s, {each.resident_mb:.0f} MB", "")
        for side, each in (("device", found["device, no daemon"]), ("server", found["server"]))
    ] + [
        (f"report, {count:,} entries, by project and model: by the clock, processor, memory",
         f"{each.wall_s:.2f} s, {each.cpu_s:.2f} s, {each.resident_mb:.0f} MB", "")
        for each in (found["report, asking its daemon"],)
    ]  # fmt: skip


def main() -> int:
    """Measure, print; 1 where a sound ledger is called bad or a change is not found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--in", dest="where", type=Path, help="where to build (default: /tmp's)")
    asked = options.parse_args()
    bad, right = asked.entries * 7 // 10, True
    with tempfile.TemporaryDirectory(dir=asked.where) as name:
        print("| verify | clock | processor | memory | found |\n|---|---|---|---|---|")
        billed_nusd = 0
        for what, each in measure(Path(name), asked.entries):
            said = each.said
            if what.startswith("report"):
                same = said["total"]["billed_nusd"] == billed_nusd
                said = {"ok": same, "why": f"{len(said['lines'])} lines"}
            billed_nusd = said.get("billed_nusd", billed_nusd)
            why = said.get("why") or "; ".join(said.get("faults", ()))
            at = said.get("first_bad_seq") or why
            right &= said["ok"] is ("changed" not in what) and (said["ok"] or f"{bad}" in f"{at}")
            print(f"| {what} | {each.wall_s:.1f} s | {each.cpu_s:.1f} s | {each.resident_mb:.0f} MB"
                  f" | {'whole' if said['ok'] else f'{at}: {why}'} |", flush=True)  # fmt: skip
    return 0 if right else 1


def _say(what: str) -> None:
    sys.stderr.write(f"  {what} …\n")


if __name__ == "__main__":
    sys.exit(main())
