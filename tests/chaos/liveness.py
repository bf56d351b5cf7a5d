"""When the faults are over: nobody is refused while there is money, and a cap is spent to its end.

Safety alone is cheap: a server that grants nothing passes no cap.
"""

import asyncio
from typing import Any

import aiohttp

from tests.chaos.load import Agents
from tests.chaos.quiet import all_reported
from tests.chaos.world import CAPS, CENT, World

ORG = "org.month"
MORE_NUSD = 150 * CENT
LAST_NUSD = 6 * CENT
EACH = 10
"""How many requests of every device must be served with so much in every pool."""
BOUND_NUSD = 500_000
LEFT_NUSD = 2 * BOUND_NUSD
"""What each device may be left with: its next request could cost more, or nearly."""
WITHIN_S = 60.0
HEARD_WITHIN_S = 20.0
"""The word of a raise reaches who listens within a second, who does not asks after five; and this
machine may be slow. A pool that is wrongly taken for dry stays so for sixty."""
REFUSED_S = 0.5
REQUEST = {
    "model": "claude-haiku-4-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Are you there?"}],
}


async def everybody_is_served(world: World, facts: dict[str, Any]) -> list[str]:
    """There is money again in every pool: each device is served as soon as it has heard of it,
    and from then on at once, every time."""
    for pool, where in CAPS.items():
        committed_nusd = await world.cashier.committed_nusd(pool)
        cap_nusd = max(committed_nusd, world.cashier.allowed.caps[pool]) + MORE_NUSD
        await world.cashier.set_cap(pool, cap_nusd, **where)
    refused: dict[str, str] = {}
    slowest_s: list[float] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:

        async def ask(name: str, agents: Agents) -> None:
            heard_s = await _heard(agents, http, world.projects[0])
            slowest_s.append(heard_s)
            for number in range(EACH):
                project = world.projects[number % len(world.projects)]
                status = await agents.send(http, project, dict(REQUEST), {})
                if status != 200:
                    team = await agents.device.team()
                    after = f"{heard_s:.1f} s after the raise, request {number}"
                    refused[name] = f"{status} {agents.said[:300]} ({team['failed']}) {after}"

        first = {agents.device.name: agents for agents in world.agents}
        await asyncio.gather(*(ask(name, agents) for name, agents in first.items()))
    facts["served when all was quiet"] = (
        f"{len(first)} devices, {EACH} times each, {max(slowest_s):.1f} s after the raise"
    )
    return [f"NOT LIVE: {name} was refused: {said}" for name, said in refused.items()]


async def _heard(agents: Agents, http: aiohttp.ClientSession, project: str) -> float:
    """Ask until a device is served, or must have heard of the raise; answers how long it took."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while loop.time() - began_s < HEARD_WITHIN_S:
        if await agents.send(http, project, dict(REQUEST), {}) == 200:
            break
        await asyncio.sleep(REFUSED_S)
    return loop.time() - began_s


async def to_the_last_cent(world: World, facts: dict[str, Any]) -> list[str]:
    """The cap is lowered to a little above what is spent: what lies on devices comes back, and
    they go on together until none of them can pay for another request. What lies on ledgers
    that a restore has put out of the world is written off before: nobody can give it back."""
    wrong = await all_reported(world)
    for device in world.devices:
        team = await device.team()
        await world.server.surely("device.write_off", device=team["device"])
    cap_nusd = int((await _org(world))["spent_nusd"]) + LAST_NUSD
    await world.cashier.set_cap(ORG, cap_nusd, **CAPS[ORG])
    wrong += await all_reported(world)
    line = await _org(world)
    if line["free_nusd"] < 0:
        wrong.append(f"NOT LIVE: more is still out than a lowered cap allows: {line}")
    least_nusd = LEFT_NUSD * len(world.devices)
    left_nusd, began_s = LAST_NUSD, asyncio.get_running_loop().time()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        first = {agents.device.name: agents for agents in world.agents}
        working = [
            asyncio.get_running_loop().create_task(_spend(agents, http))
            for agents in first.values()
        ]
        while left_nusd > least_nusd and asyncio.get_running_loop().time() - began_s < WITHIN_S:
            await asyncio.sleep(1.0)
            left_nusd = await _within_reach(world)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    took_s = asyncio.get_running_loop().time() - began_s
    facts["of the last cap was left"] = f"${left_nusd / 1e9:.4f} after {took_s:.0f} s"
    if left_nusd <= least_nusd:
        return wrong
    return [*wrong, f"NOT LIVE: {left_nusd} are left of {LAST_NUSD}: {await _org(world)}"]


async def _spend(agents: Agents, http: aiohttp.ClientSession) -> None:
    """Ask for ever, in the one project that has no cap of its own."""
    while True:
        status = await agents.send(http, "zephyr", dict(REQUEST), {})
        if status != 200:
            await asyncio.sleep(REFUSED_S)


async def _within_reach(world: World) -> int:
    """What the server may still grant, and what lies free on devices that live.

    A ledger that was given to a home just before an older backup was put over it lives nowhere and
    looks like one that does: what lies there is out for as long as the window lasts.
    """
    found = max(0, int((await _org(world))["free_nusd"]))
    for device in world.devices:
        pools = (await device.team())["pools"]
        found += sum(max(0, line["free_nusd"]) for line in pools if line["name"] == ORG)
    return found


async def _org(world: World) -> dict[str, Any]:
    caps = (await world.server.surely("cap.list"))["caps"]
    return dict(next(line for line in caps if line["pool"] == ORG))
