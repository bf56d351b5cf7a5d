"""A team end to end: the real server over TLS, a real daemon, a real agent, the provider's bill."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.helpers import session
from tests.e2e.world import World
from tests.support.process import Home
from tests.sync_server.house import CENT, DOLLAR, House, house_in

pytestmark = pytest.mark.agent

SAYS = {"answer": [{"type": "text", "text": "Hello."}], "output_tokens": 300}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A team server that serves."""
    async with house_in(tmp_path / "team") as made:
        yield made


class Developer:
    """One person with a machine, driven by commands."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def run(self, *words: str) -> Any:
        """One command."""
        return await asyncio.to_thread(self.world.home.run, *words)

    async def claude(self) -> Any:
        """One run of the real agent."""
        return await asyncio.to_thread(self.world.claude)

    async def team(self) -> dict[str, Any]:
        """What `team status --json` says."""
        found: dict[str, Any] = json.loads((await self.run("team", "status", "--json")).stdout)
        return dict(found["team"])


async def joined(house: House, world: World, cap_nusd: int) -> Developer:
    """A member whose machine types the line of the invite."""
    await house.ask("team.create", team="backend")
    await house.ask("cap.set", level="org", window="month", cap_nusd=cap_nusd)
    made = await house.ask("member.add", member="anna", team="backend")
    words = str(made["invite"]["join"]).split()
    developer = Developer(world)
    done = await developer.run("team", "join", house.base, words[4])
    assert done.returncode == 0, done.stderr
    assert "this device is anna's in team backend now" in done.stdout
    return developer


async def test_a_developer_joins_works_and_is_counted(house: House, world: World) -> None:
    """Allowance comes with the joining; what the agent spent stands at the server to the
    nano-dollar, and is the provider's bill."""
    world.sandbox.direct(SAYS)
    ana = await joined(house, world, 20 * DOLLAR)

    assert (await ana.claude()).returncode == 0
    done = await ana.run("team", "sync")

    assert done.returncode == 0, done.stderr
    billed = sum(world.theirs().values())
    [cap] = (await house.ask("cap.list"))["caps"]
    assert cap["spent_nusd"] == billed > 0
    [pool] = (await ana.team())["pools"]
    assert pool["spent_nusd"] == billed
    report = json.loads((await ana.run("report", "--by", "team", "--json")).stdout)
    [line] = report["lines"]
    assert (line["team"], line["billed_nusd"]) == ("backend", billed)
    [there] = (await house.ask("report", by="member", since_us=0, team=""))["lines"]
    assert (there["member"], there["billed_nusd"]) == ("anna", billed)


async def test_the_teams_cap_stops_an_agent_at_once(house: House, world: World) -> None:
    """No money left in the team: one refusal, our words on screen, nothing at the provider."""
    world.sandbox.direct(SAYS)
    ana = await joined(house, world, CENT)

    done = await ana.claude()

    assert done.returncode == 1
    assert "team" in done.stdout + done.stderr
    assert world.theirs() == {}


async def test_a_raised_cap_is_there_when_it_is_needed(house: House, world: World) -> None:
    """A lead raises the cap: the device hears of it by push, or asks when it lacks money."""
    world.sandbox.direct(SAYS)
    ana = await joined(house, world, CENT)
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)

    assert (await ana.claude()).returncode == 0


async def test_the_teams_model_list_holds_on_every_device(house: House, world: World) -> None:
    """Signed by the server, refused before anything is held or sent."""
    world.sandbox.direct(SAYS)
    ana = await joined(house, world, 20 * DOLLAR)
    await house.ask("policy.set", rules={"models": [{"allow": ["claude-haiku-*"]}]})
    await ana.run("team", "sync")

    done = await ana.claude()

    assert done.returncode == 1
    assert "your team" in done.stdout + done.stderr
    assert world.theirs() == {}


async def test_what_a_lead_approves_goes_on(house: House, world: World) -> None:
    """With `on_exceed = "ask"` the agent waits; there is one question at the server, and what is
    approved there serves it, with nothing asked of the provider before."""
    world.sandbox.direct(SAYS)
    config = world.home.config
    config.write_text(config.read_text() + '\n[admission]\non_exceed = "ask"\nwait_s = 2\n')
    ana = await joined(house, world, CENT)

    running = asyncio.ensure_future(ana.claude())
    asked = await first_request(house, running)
    assert asked["reason"].startswith("1 request of claude")
    assert world.theirs() == {}
    await house.ask("request.approve", request=asked["request"], amount_nusd=20 * DOLLAR)

    done = await running
    assert done.returncode == 0, done.stdout + done.stderr
    assert len((await house.ask("request.list", all=True))["requests"]) == 1
    assert sum(world.theirs().values()) > 0


async def test_what_a_lead_refuses_is_refused(house: House, world: World) -> None:
    """The ordinary refusal, in the agent's words."""
    world.sandbox.direct(SAYS)
    config = world.home.config
    config.write_text(config.read_text() + '\n[admission]\non_exceed = "ask"\nwait_s = 2\n')
    ana = await joined(house, world, CENT)

    running = asyncio.ensure_future(ana.claude())
    asked = await first_request(house, running)
    await house.ask("request.refuse", request=asked["request"])

    done = await running
    assert done.returncode == 1
    assert "A lead was asked for more, and said no" in done.stdout + done.stderr
    assert world.theirs() == {}


async def first_request(house: House, running: "asyncio.Future[Any]") -> dict[str, Any]:
    """Wait until the leads are asked, while an agent runs."""
    while not running.done():
        if found := (await house.ask("request.list"))["requests"]:
            return dict(found[0])
        await asyncio.sleep(0.1)
    raise AssertionError(running.result().stdout + running.result().stderr)


async def test_another_machine_joins_by_the_line_of_the_first(
    house: House, world: World, tmp_path: Path
) -> None:
    """`team add-device` prints one line; typed elsewhere, it lets that machine in as its member."""
    ana = await joined(house, world, 20 * DOLLAR)
    told = await ana.run("team", "add-device")
    assert told.returncode == 0, told.stderr
    words = told.stdout.split()
    assert words[:3] == ["agentspend", "team", "join"]
    assert "once, for 1 h" in told.stderr or "for 59" in told.stderr, told.stderr
    with Home(tmp_path / "second") as home:
        done = await asyncio.to_thread(home.run, "team", "join", house.base, words[4])
        assert "this device is anna's in team backend now" in done.stdout, done.stderr
    devices = (await house.ask("device.list"))["devices"]
    assert [each["member"] for each in devices] == ["anna", "anna"]


async def test_a_lead_prices_a_new_model_for_a_running_daemon(house: House, world: World) -> None:
    """Refused before, for nobody knows what it costs; on its way a moment after."""
    ana = await joined(house, world, 20 * DOLLAR)

    def asked() -> str:
        with session(world.home) as way:
            return str(way.post(model="claude-next-9").read().decode())

    assert "no price is known" in await asyncio.to_thread(asked)
    await house.ask("policy.price", model="anthropic/claude-next-9", input="3", output="15")
    await ana.run("team", "sync")
    assert "no price is known" not in await asyncio.to_thread(asked)
    await ana.run("team", "leave", "--yes")
    assert "no price is known" in await asyncio.to_thread(asked)
