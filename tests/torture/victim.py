"""The real daemon as a process that is armed to die, and the ledger's file as it leaves it."""

import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from agentspend.config.paths import Paths
from agentspend.control.start import READY_FD
from agentspend.store import spending
from tests.support.process import Home

HANG_S = 30.0
KEY = "sk-ant-api03-torture"


class Hung(AssertionError):
    """Something that must end did not."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What the ledger's file holds: the entries' bytes in order, and {rid: nano-USD} still held."""

    bodies: list[bytes]
    held: dict[str, int]


class Victim:
    """One home's daemon, started over and over. `module` is what Python is asked to run."""

    def __init__(self, home: Home, *module: str) -> None:
        self._home = home
        self._module = module or ("agentspend",)
        self._process: subprocess.Popen[bytes] | None = None
        self.paths = Paths.find(home.env)
        self.killed_by_us = False
        self.start_cpu_s = 0.0

    def start(self, fault: str = "") -> float | None:
        """Start it, armed; returns the seconds until it was ready, None when it died before."""
        self.killed_by_us = False
        read_end, write_end = os.pipe()
        env = {**self._home.env, READY_FD: str(write_end), "AGENTSPEND_FAULT": fault}
        env["AGENTSPEND_ANTHROPIC_KEY"] = KEY
        began_s = time.monotonic()
        with (self._home.home / "daemon.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._module, "daemon", "run"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd="/",
                pass_fds=(write_end,), start_new_session=True,
            )  # fmt: skip
        os.close(write_end)
        try:
            said = _line(read_end)
        finally:
            os.close(read_end)
        took_s = time.monotonic() - began_s
        if not said:
            self.wait()
            return None
        assert json.loads(said).get("ready"), said
        used = psutil.Process(self._process.pid).cpu_times()
        self.start_cpu_s = used.user + used.system
        return took_s

    def wait(self) -> int:
        """Wait until it is dead; returns its exit code. A daemon that lives on is a failure."""
        assert self._process is not None
        try:
            return self._process.wait(2 * HANG_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Hung("the daemon did not die") from None

    def kill(self) -> None:
        """SIGKILL it from outside."""
        if self._process is not None and self._process.poll() is None:
            self.killed_by_us = True
            self._process.send_signal(signal.SIGKILL)

    def remains(self) -> Remains:
        """Read a copy of the ledger's file and its log; the original stays as the dead left it."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "ledger.db"
            for end in ("", "-wal"):
                source = Path(f"{self.paths.ledger}{end}")
                if source.exists():
                    shutil.copyfile(source, f"{copy}{end}")
            conn = sqlite3.connect(copy)
            try:
                rows = conn.execute("SELECT body FROM entry ORDER BY seq")
                bodies = [bytes(row[0]) for row in rows]
                held = dict(conn.execute("SELECT rid, amount_nusd FROM hold").fetchall())
                assert spending.agrees(conn), "the sums of reports are not those of the entries"
            finally:
                conn.close()
        return Remains(bodies, held)

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def verify(self) -> dict[str, Any]:
        """What `agentspend verify` says."""
        found: dict[str, Any] = self._home.json("verify")
        return found


def _line(read_end: int) -> bytes:
    """One line, or b"" when the other end closed first."""
    deadline_s = time.monotonic() + HANG_S
    said = b""
    while not said.endswith(b"\n"):
        left_s = max(0.0, deadline_s - time.monotonic())
        if not select.select([read_end], [], [], left_s)[0]:
            raise Hung("the daemon said nothing")
        chunk = os.read(read_end, 4096)
        if not chunk:
            return b""
        said += chunk
    return said
