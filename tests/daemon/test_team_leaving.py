"""A real daemon leaves its team while it works: what the team paid for is told to it first."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.daemon.helpers import KEY, ask, until
from tests.daemon.test_drain import release
from tests.daemon.test_repository import ASK
from tests.support.process import Home, SandboxProcess
from tests.sync_server.house import DOLLAR, House, house_in, served

AGENT = (sys.executable, "-c", ASK.replace("MODEL", repr("claude-sonnet-5")))
HANGS = {"default": {"hang_after_events": 0}}
POOL = "org.month"


class Anna:
    """A member, her machine, and the provider; her daemon has joined."""

    def __init__(self, house: House, home: Home, provider: SandboxProcess) -> None:
        self.house, self.home, self.provider = house, home, provider

    async def run(self, *words: str) -> Any:
        """One command."""
        return await asyncio.to_thread(self.home.run, *words)

    async def agent(self) -> str:
        """An agent that asks once: what it says."""
        done = await asyncio.to_thread(
            self.home.run, "run", "--", *AGENT, ANTHROPIC_API_KEY=KEY
        )  # fmt: skip
        return str(done.stdout)

    async def hanging(self) -> "asyncio.Task[str]":
        """An agent whose request is in flight until it is released."""
        self.provider.direct(HANGS)
        running = asyncio.create_task(self.agent())
        await self.until(
            lambda status: bool(status["budgets"][0]["held_nusd"]), "a request is in flight"
        )
        return running

    async def until(self, check: Any, what: str) -> Any:
        """Wait for something that `agentspend status --json` says."""
        return await asyncio.to_thread(until, lambda: check(ask(self.home, "status")), what)

    async def left(self) -> None:
        """Wait until the device is in no team."""
        await self.until(lambda status: status["team"] is None, "the team is left")

    async def cap(self) -> dict[str, Any]:
        """The cap as the server has it."""
        [found] = (await self.house.ask("cap.list"))["caps"]
        assert found["pool"] == POOL
        return dict(found)

    async def charged(self) -> list[int]:
        """The charges in her own ledger, the oldest first."""
        rows = await asyncio.to_thread(self.home.json, "log")
        settled = [each for each in rows if each["kind"] == "settle"]
        return [each["amount_nusd"] for each in sorted(settled, key=lambda each: each["seq"])]


async def joined(house: House, home: Home, provider: SandboxProcess) -> Anna:
    """Anna in a team with a cap for everybody."""
    await house.ask("team.create", team="backend")
    made = await house.ask("member.add", member="anna", team="backend")
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
    anna = Anna(house, home, provider)
    code = str(made["invite"]["join"]).split()[4]
    done = await anna.run("team", "join", house.base, code)
    assert done.returncode == 0, done.stderr
    return anna


@pytest.fixture
async def anna(tmp_path: Path, provider: SandboxProcess) -> AsyncIterator[Anna]:
    """A server that serves, and her in its team."""
    provider.direct({"default": {}})
    async with house_in(tmp_path / "server") as house:
        with Home(tmp_path / "anna", provider.url) as home:
            yield await joined(house, home, provider)


async def test_leaving_waits_for_what_is_in_flight_and_reports_it(anna: Anna) -> None:
    """The command says what it waits for; what begins meanwhile is served, and is not the team's;
    no other team is joined. Then all is reported, and nothing of the allowance stays out."""
    flying = await anna.hanging()
    leaving = asyncio.create_task(anna.run("team", "leave", "--yes"))
    status = await anna.until(lambda found: found["team"]["leaving"] and found, "it leaves")
    assert status["team"]["leaving"]["in_flight"] == 1
    shown = await anna.run("team", "status")
    assert "spends for its team no more, and leaves it once it is told of 1 request" in shown.stdout
    joined = await anna.run("team", "join", anna.house.base, "ASPD-0000")
    assert "still to hear what it paid for" in joined.stderr
    anna.provider.direct({"default": {}})
    assert await anna.agent() == "200\n"
    assert (await anna.cap())["spent_nusd"] == 0

    assert await asyncio.to_thread(release, anna.provider) == 1
    assert await flying == "200\n"
    done = await leaving
    assert done.returncode == 0, done.stderr
    assert done.stdout == "this device is in no team now\n"
    assert "1 request in flight" in done.stderr

    private_nusd, team_nusd = await anna.charged()
    cap = await anna.cap()
    assert (cap["spent_nusd"], cap["out_nusd"]) == (team_nusd, 0)
    [line] = (await anna.house.ask("report", by="member"))["lines"]
    assert line["billed_nusd"] == team_nusd > 0 < private_nusd
    assert (await anna.run("team", "status")).returncode == 1
    [device] = (await anna.house.ask("device.list"))["devices"]
    assert (device["status"], device["out_nusd"]) == ("left", 0)


async def test_a_crash_on_the_way_loses_nothing(anna: Anna) -> None:
    """What was in flight is charged in full at the next start, told, and then the team is left."""
    flying = await anna.hanging()
    found = await asyncio.to_thread(ask, anna.home, "team.leave")
    assert (found["left"], found["in_flight"]) == (False, 1)
    await asyncio.to_thread(anna.home.kill)
    await asyncio.to_thread(release, anna.provider)
    await flying
    await anna.run("daemon", "start")
    await anna.left()
    [charged_nusd] = await anna.charged()
    cap = await anna.cap()
    assert (cap["spent_nusd"], cap["out_nusd"]) == (charged_nusd, 0)


async def test_leaving_at_once_says_what_stays_untold(anna: Anna) -> None:
    """The allowance that was held stays out, and the lead's command for that is named."""
    flying = await anna.hanging()
    done = await anna.run("team", "leave", "--yes", "--now")
    assert (done.returncode, done.stdout) == (0, "this device is in no team now\n"), done.stderr
    assert "the team never hears of 1 request in flight ($" in done.stderr
    [device] = (await anna.house.ask("device.list"))["devices"]
    assert f"agentspend-server device lost {device['device']}" in done.stderr
    await asyncio.to_thread(release, anna.provider)
    assert await flying == "200\n"
    assert (await anna.cap())["out_nusd"] > 0


async def test_a_server_that_is_away_is_told_when_it_is_back(
    tmp_path: Path, provider: SandboxProcess
) -> None:
    """The command does not wait for it and says so; the device leaves by itself."""
    provider.direct({"default": {}})
    with Home(tmp_path / "anna", provider.url) as home:
        async with house_in(tmp_path / "server") as house:
            anna = await joined(house, home, provider)
            assert await anna.agent() == "200\n"
            toml = house.folder.path / "server.toml"
            toml.write_text(
                toml.read_text().replace("port = 0", f"port = {urlsplit(house.base).port}")
            )
        done = await anna.run("team", "leave", "--yes")
        assert (done.returncode, done.stdout) == (1, "")
        assert "leaves it once it is told" in done.stderr
        assert "cannot be reached" in done.stderr
        assert "agentspend team leave --now" in done.stderr
        async with served(house.folder, house.token, house.now) as back:
            anna.house = back
            await anna.run("team", "sync")
            await anna.left()
            cap = await anna.cap()
            assert ([cap["spent_nusd"]], cap["out_nusd"]) == (await anna.charged(), 0)


async def test_a_daemon_that_stops_reports_first(anna: Anna) -> None:
    """Else it would be told, and what lies on it asked back, when somebody starts it again."""
    assert await anna.agent() == "200\n"
    [spent_nusd] = await anna.charged()
    await anna.run("daemon", "stop")
    cap = await anna.cap()
    assert cap["spent_nusd"] == spent_nusd
