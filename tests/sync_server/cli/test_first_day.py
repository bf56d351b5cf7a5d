"""From an empty machine to forty capped members, by the commands of docs/team.md."""

import asyncio
import base64
import json
import re
import subprocess
from pathlib import Path

import aiohttp
import msgspec
import pytest

from agentspend.core.allowance.messages import Want
from agentspend.wire import signing
from tests.sync_server.cli.command import PROGRAM, run
from tests.sync_server.house import DOLLAR, Device

pytestmark = pytest.mark.bounded
MEMBERS = 40


class Far:
    """What a device knows of a server in another process: its address and its pin."""

    def __init__(self, base: str, pin: str, key: bytes) -> None:
        self.base = base
        self.tls = aiohttp.Fingerprint(base64.b32decode(pin + "===="))
        self.session = aiohttp.ClientSession()
        self.public = signing.public_key(key)

    async def post(self, path: str, body: object) -> tuple[int, dict[str, object]]:
        """Any body to any route."""
        raw = msgspec.json.encode(body)
        async with self.session.post(self.base + path, data=raw, ssl=self.tls) as answer:
            return answer.status, msgspec.json.decode(await answer.read())


async def test_forty_members_are_capped(tmp_path: Path) -> None:
    """Every join line works, every device gets allowance, and no more than the cap is out."""
    init = await asyncio.to_thread(
        run, tmp_path, "init", "--org", "Acme", "--host", "127.0.0.1", "--port", "1"
    )
    assert init.code == 0
    folder = tmp_path / "agentspend-server"
    settings = folder / "server.toml"
    settings.write_text(settings.read_text().replace("port = 1", "port = 0"))
    people = "".join(f"Member {n},m{n}@acme.example,team{n % 4}\n" for n in range(MEMBERS))
    (folder / "people.csv").write_text("name,email,team\n" + people)
    server = subprocess.Popen(
        [*PROGRAM, "serve"], cwd=folder, stderr=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    try:
        assert server.stderr is not None
        found = re.search(r"port (\d+)\)", await asyncio.to_thread(server.stderr.readline))
        assert found
        commands = [
            ["org", "set-cap", "100", "--window", "month"],
            ["member", "import", "people.csv"],
            *(["team", "set-cap", f"team{n}", "30", "--window", "day"] for n in range(2)),
        ]
        ran = [await asyncio.to_thread(run, folder, *words) for words in commands]
        assert [each.code for each in ran] == [0] * len(commands)
        lines = [line.partition(": ")[2] for line in ran[1].out.splitlines()]
        assert len(lines) == MEMBERS
        key = bytes.fromhex((folder / "signing.key").read_text())
        far = Far(f"https://127.0.0.1:{found[1]}", lines[0].rpartition(".")[2], key)
        async with far.session:
            granted = 0
            for line in lines:
                device = await Device.join(far, line)
                answer = await device.sync(Want("org.month", need_nusd=DOLLAR))
                granted += sum(told.granted_nusd for told in answer.accounts)
        listed = await asyncio.to_thread(run, folder, "device", "list", "--json")
        assert len(json.loads(listed.out)["devices"]) == MEMBERS
        assert MEMBERS * DOLLAR <= granted <= 100 * DOLLAR
        assert (await asyncio.to_thread(run, folder, "verify")).code == 0
    finally:
        server.terminate()
        server.wait(20)
