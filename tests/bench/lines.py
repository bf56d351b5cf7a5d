"""`python -m tests.bench.lines`: a real team server over TLS: syncs a second, memory a held line.

The server is a process of its own; clients and server share this machine's processors.
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import msgspec
import psutil

from agentspend.core.allowance.messages import Want
from agentspend.wire import signing
from sync_server.folder import Folder
from sync_server.open_folder import address_of
from tests.sync_server.house import Device, Reached

MEMBERS, LINES_EACH, SYNCS, ENTRIES = 100, 4, 400, 20
CENT = 10_000_000


class Reach(Reached):
    """The server as its devices reach it."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        made = Folder(folder)
        self.base = address_of(made).url
        self.tls = aiohttp.Fingerprint(base64.b32decode(address_of(made).pin + "===="))
        self.session = session
        key = bytes.fromhex((folder / "signing.key").read_text("ascii").strip())
        self.public = signing.public_key(key)

    async def post(self, path: str, body: object) -> tuple[int, dict[str, object]]:
        """Any body to any route."""
        raw = msgspec.json.encode(body)
        async with self.session.post(self.base + path, data=raw, ssl=self.tls) as answer:
            return answer.status, msgspec.json.decode(await answer.read())


def main() -> int:
    """Set a server up, measure, print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "server"
        _run(Path(name), "init", "--org", "Bench", "--host", "localhost", "--port", "4755",
             str(folder))  # fmt: skip
        people = Path(name) / "people.csv"
        lines = [f"M {number},m{number}@x.example,t{number % 8}" for number in range(MEMBERS)]
        people.write_text("\n".join(["name,email,team", *lines]))
        with subprocess.Popen([sys.executable, "-m", "sync_server", "serve"], cwd=folder) as server:
            try:
                time.sleep(3)
                _run(folder, "org", "set-cap", "100000", "--window", "month")
                found = json.loads(_run(folder, "member", "import", str(people), "--json"))
                joins = [each["join"] for each in found["added"]]
                asyncio.run(_measure(folder, joins, psutil.Process(server.pid)))
            finally:
                server.terminate()
    return 0


def _run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "sync_server", *words], cwd=folder, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


async def _measure(folder: Path, joins: list[str], server: psutil.Process) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        reach = Reach(folder, session)
        devices = [await Device.join(reach, line) for line in joins]
        answers = [await device.sync(Want("org.month")) for device in devices]
        place = (answers[0].accounts[0].pool, answers[0].accounts[0].window)
        before = server.memory_info().rss
        lines = [device.listening() for device in devices for _ in range(LINES_EACH)]
        for line in lines:
            await line.__aenter__()
        after = server.memory_info().rss
        print(f"{len(lines)} lines held: {(after - before) / len(lines) / 1024:.0f} KiB each, "
              f"{before / 1e6:.0f} MB without")  # fmt: skip
        cpu, start = server.cpu_times(), time.perf_counter()
        waiting = asyncio.Semaphore(16)

        async def one(number: int) -> None:
            device = devices[number % len(devices)]
            async with waiting:
                acked = device.chain.end.seq
                for _ in range(ENTRIES):
                    device.chain.add("settle", [(*place, CENT)], CENT)
                await device.sync(Want("org.month", burn_nusd=CENT), after=acked)

        for turn in range(0, SYNCS, len(devices)):
            await asyncio.gather(*(one(turn + number) for number in range(len(devices))))
        took = time.perf_counter() - start
        used = server.cpu_times()
        used_s = used.user + used.system - cpu.user - cpu.system
        print(f"{SYNCS} syncs of {ENTRIES} entries over TLS, 16 at once: {SYNCS / took:.0f}/s by "
              f"the clock; processor {used_s / SYNCS * 1e3:.1f} ms each")  # fmt: skip
        for line in lines:
            await line.__aexit__(None, None, None)


if __name__ == "__main__":
    sys.exit(main())
