"""The real `agentspend-server` as a process: set up once, killed and started over and over."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from sync_server.folder import Folder
from tests.chaos.ports import fixed_port
from tests.support.process import ROOT

WITHIN_S = 180.0
READY = "agentspend-server serves"


class NoAnswer(Exception):
    """The server was away, or went away before it had answered: whether it did it is not known."""


class SaysNo(AssertionError):
    """The server understood, and refused."""


class TeamServer:
    """One server in a folder of its own. `program` are the words before `serve`."""

    def __init__(self, folder: Path, database: str = "", plant: str = "") -> None:
        self.path = folder / "server"
        self.port = fixed_port()
        self.starts_s: list[float] = []
        self._log = folder / "server.log"
        module = ["tests.chaos.planted", plant, "sync_server"] if plant else ["sync_server"]
        self._program = [sys.executable, "-m", *module]
        kept = {key: found for key, found in os.environ.items() if not key.startswith("AGENTSPEND")}
        self._env = {**kept, "PYTHONPATH": str(ROOT)}
        self._process: subprocess.Popen[bytes] | None = None
        options = ["--database", database] if database else []
        done = subprocess.run(
            [sys.executable, "-m", "sync_server", "init", str(self.path), "--org", "Acme",
             "--host", "localhost", "--port", str(self.port), "--zone", _noon_now(), *options],
            env=self._env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @property
    def folder(self) -> Folder:
        """Where it keeps everything."""
        return Folder(self.path)

    async def start(self) -> None:
        """Start it and wait until it serves."""
        began_s = time.monotonic()
        before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._program, "serve"], cwd=self.path, env=self._env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        while READY not in self._log.read_text("utf-8")[before:]:
            assert self._process.poll() is None, self._log.read_text("utf-8")[before:]
            assert time.monotonic() - began_s < WITHIN_S, "the server did not start"
            await asyncio.sleep(0.01)
        self.starts_s.append(time.monotonic() - began_s)

    async def kill(self) -> None:
        """SIGKILL, wherever it is."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            await asyncio.to_thread(self._process.wait, WITHIN_S)
            self._process = None

    async def command(self, *words: str) -> None:
        """A command in the server's folder; must succeed."""
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "sync_server", *words],
            cwd=self.path, env=self._env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    async def ask(self, act: str, **fields: object) -> dict[str, Any]:
        """A lead's act over the socket in the folder. Raises `NoAnswer` or `SaysNo`."""
        connector = aiohttp.UnixConnector(str(self.folder.socket))
        try:
            async with aiohttp.ClientSession(connector=connector) as http, http.post(
                f"http://server/v1/admin/{act}", json=fields
            ) as answer:  # fmt: skip
                found: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NoAnswer(f"{act}: {error!r}") from error
        if answer.status >= 500:
            raise NoAnswer(f"{act}: {answer.status} {found}")
        if answer.status != 200:
            raise SaysNo(f"{act} {fields}: {answer.status} {found}")
        return found

    async def answered(self) -> dict[str, int]:
        """How the present process has answered devices, by route and status."""
        connector = aiohttp.UnixConnector(str(self.folder.socket))
        async with aiohttp.ClientSession(connector=connector) as http, http.get(
            "http://server/metrics"
        ) as answer:  # fmt: skip
            found = re.findall(r"requests_total\{(.*?)\} (\d+)", await answer.text())
        return {words: int(count) for words, count in found if "/v1/admin" not in words}

    async def surely(self, act: str, **fields: object) -> dict[str, Any]:
        """The same again until there is an answer: for acts that may be repeated."""
        deadline_s = time.monotonic() + WITHIN_S
        while True:
            try:
                return await self.ask(act, **fields)
            except NoAnswer:
                assert time.monotonic() < deadline_s, f"no answer to {act}"
                await asyncio.sleep(0.05)


def _noon_now() -> str:
    """A zone in which it is about noon: no window ends while the run lasts."""
    ahead = 12 - time.gmtime().tm_hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"
