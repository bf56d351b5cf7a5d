"""A virtual key for one of its member's teams, with a real server, daemon and provider."""

import asyncio
import json
import subprocess
import sys

import pytest

from tests.daemon import key_client
from tests.daemon.helpers import Way
from tests.daemon.test_two_teams import SHORT, Anna, anna

__all__ = ["anna"]


@pytest.fixture(autouse=True)
async def _stored(anna: Anna) -> None:
    """A stored provider key: what a virtual key is a key to."""
    anna.home.env["AGENTSPEND_ANTHROPIC_KEY"] = "sk-ant-api03-stored"
    await anna.run("daemon", "stop")


async def asks(anna: Anna, url: str) -> int:
    """A plain client of a key in her folder: the status of its one request."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(key_client.__file__), url],
        env=anna.home.env, cwd=anna.work, capture_output=True, text=True, check=True, timeout=90,
    )  # fmt: skip
    return int(json.loads(done.stdout)[0])


async def test_its_spending_is_its_team_s(anna: Anna) -> None:
    """In that team's pools and under its rules, whatever the repository says; until it is for
    another team, from the next request on."""
    anna.writes('team = "backend"\n')
    made = await anna.run("key", "create", "--alias", "ci", "--team", "data", "--json")
    assert made.returncode == 0, made.stderr
    url, pools = json.loads(made.stdout)["base_url"], {}
    for team in ("data", "backend"):
        pools[team] = ["team:org.month", f"team:team.{team}.day"]

    assert await asks(anna, url) == 200
    await anna.house.ask("cap.set", level="team", name="data", window="day", cap_nusd=SHORT)
    await anna.run("team", "sync")
    assert await asks(anna, url) == 400
    shown = await anna.run("key", "list")
    assert "team data" in shown.stdout
    assert "team data" in (await anna.run("key", "info", "ci")).stdout
    changed = await anna.run("key", "update", "ci", "--team", "backend")
    assert changed.returncode == 0, changed.stderr
    assert await asks(anna, url) == 200

    assert await anna.paid() == [("data", pools["data"]), ("backend", pools["backend"])]
    anna.writes('team = "data"\n')
    assert (await anna.run("key", "update", "ci", "--team", "")).returncode == 0
    assert await asks(anna, url) == 400


async def test_a_team_that_is_not_its_member_s(anna: Anna) -> None:
    """Refused where the key is made or changed, with the teams there are; and where the member has
    left it since, each request is told, and is paid by no other team."""
    done = await anna.run("key", "create", "--alias", "ci", "--team", "web")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--team web, and you are not in it; your teams: backend (home), data" in done.stderr
    assert "→ agentspend key create --alias ci --team backend" in done.stderr
    made = await anna.run("key", "create", "--alias", "ci", "--team", "data", "--json")
    url = json.loads(made.stdout)["base_url"]
    done = await anna.run("key", "update", "ci", "--team", "web")
    assert done.returncode == 2
    assert "→ agentspend key update ci --team backend" in done.stderr

    await anna.run("team", "leave", "--yes")
    refused = await asyncio.to_thread(Way("ci", url.rpartition("/")[2], url).post)
    assert refused.status == 402
    assert b"virtual key ci is for team data, and this device is in no team" in refused.read()
    said = await anna.run("key", "update", "ci", "--team", "data")
    assert "--team data, and this device is in no team" in said.stderr
    assert (await anna.run("key", "update", "ci", "--team", "")).returncode == 0
    assert await asks(anna, url) == 200
    rows = await asyncio.to_thread(anna.home.json, "log")
    assert ["team" in each for each in rows if each["kind"] == "settle"] == [False]
