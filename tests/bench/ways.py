"""The ways to the provider that are compared: direct, through nginx, through agentspend."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from agentspend.control.client import Connection
from tests.support.ports import free_port
from tests.support.process import ROOT, Home

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/temp;
  client_max_body_size 32m; client_body_buffer_size 1m;
  upstream provider {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  server {{ listen 127.0.0.1:{port};
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_buffering off;
                 proxy_set_header Connection ""; }} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the provider.

    `prefix` goes before the path; `each` is how many requests a client sends where rates are taken.
    """

    name: str
    port: int
    prefix: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    pid: int = 0
    each: int = 100

    def path(self, query: str = "") -> str:
        """The path of a Messages request on this way."""
        return f"{self.prefix}/v1/messages{query}"

    def cpu_s(self) -> float:
        """Processor time of the process in between so far, in s; 0 where there is none."""
        if not self.pid:
            return 0.0
        family = [psutil.Process(self.pid), *psutil.Process(self.pid).children()]
        return sum(each.cpu_times().user + each.cpu_times().system for each in family)

    def resident_mb(self) -> float:
        """Resident memory of the process in between, in MB."""
        return psutil.Process(self.pid).memory_info().rss / 1e6


@contextmanager
def provider() -> Iterator[int]:
    """The canned provider's port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.upstream"], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Way | None]:
    """nginx as a reverse proxy; None where it is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        yield None
        return
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
    process = subprocess.Popen([program, "-c", str(config), "-p", str(folder)])
    try:
        until_listening(port)
        yield Way("nginx", port, pid=process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def bare(folder: Path, upstream: int) -> Iterator[Way]:
    """The least a proxy with two durable commits costs (tests/bench/bare.py)."""
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare", str(upstream), str(folder)],
        stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield Way("bare aiohttp", int(process.stdout.readline()), pid=process.pid)
    finally:
        process.kill()
        process.wait()


@contextmanager
def agentspend(folder: Path, upstream: int) -> Iterator[tuple[Way, float, Home]]:
    """The real daemon, one generous hard budget, an open session; and its start time in s."""
    budget = '[[budgets]]\nname = "bench"\nlimit = "100000"\nwindow = "day"\n'
    home = Home(folder, f"http://127.0.0.1:{upstream}", budget, AGENTSPEND_ANTHROPIC_KEY="sk-ant-b")
    start = time.perf_counter()
    started = home.run("daemon", "start")
    ready_s = time.perf_counter() - start
    assert started.returncode == 0, started.stderr
    status = json.loads(home.run("daemon", "status", "--json").stdout)
    payer = {"agent": "bench", "session": "s_bench"}
    with Connection(Path(status["socket"])) as session:
        opened = session.ask("session.open", session="s_bench", payer=payer, keys={})
        headers = {"x-api-key": opened["token"], "User-Agent": "claude-cli/bench"}
        yield (
            Way("agentspend", status["port"], f"/s/{opened['token']}", headers, status["pid"]),
            ready_s,
            home,
        )
    home.run("daemon", "stop")
    home.kill()


def until_listening(port: int, within_s: float = 10) -> None:
    """Wait for a server of ours; TimeoutError where none comes."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens on {port}")


def fsync_us(folder: Path, think_s: float = 0.0, count: int = 200) -> list[float]:
    """How long an append of 4 KiB with fdatasync takes on the ledger's disk, in µs.

    A disk that rested for `think_s` takes longer: a request that comes alone waits for that.
    """
    found = []
    handle = os.open(folder / "fsync.probe", os.O_WRONLY | os.O_CREAT)
    for _ in range(count):
        time.sleep(think_s)
        start = time.perf_counter()
        os.write(handle, bytes(4096))
        os.fdatasync(handle)
        found.append((time.perf_counter() - start) * 1e6)
    os.close(handle)
    return found
