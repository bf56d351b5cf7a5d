"""The faults end: everybody is helped up, and what was spent is reported to the last entry."""

import asyncio
import time
from contextlib import suppress

from agentspend.core.errors import AgentspendError
from tests.chaos.device import GONE, Device
from tests.chaos.world import World

QUIET_S = 90.0


async def quiet(world: World) -> list[str]:
    """No more faults: everything that was spent is reported, every device has rights again."""
    await world.network.quiet()
    await asyncio.gather(*(_helped_up(device) for device in world.devices))
    return await all_reported(world)


async def _helped_up(device: Device) -> None:
    async with device.hands:
        if device.armed or not device.up.is_set() or not device.victim.alive:
            await device.kill()
            assert await device.start(), f"{device.name} does not start in peace"


async def all_reported(world: World) -> list[str]:
    """Sync until nothing is held and nothing left to be said, twice; whoever cannot is told of."""
    deadline_s = time.monotonic() + QUIET_S
    calm = 0
    while calm < 2:
        found = [await _reported(device) for device in world.devices]
        busy = [text for text in found if text]
        calm = 0 if busy else calm + 1
        if busy and time.monotonic() > deadline_s:
            return [f"NOT LIVE: {text}" for text in busy]
        await asyncio.sleep(1.0)
    return []


async def _reported(device: Device) -> str:
    """What a device still has to tell, "" for nothing."""
    with suppress(AgentspendError, *GONE):
        await device.ask("team.sync")
    found = await device.team()
    held_nusd = sum(line["held_nusd"] for line in found["pools"])
    if found["state"] == "active" and not found["queued"] and not held_nusd:
        return ""
    return f"{device.name} is {found['state']}, holds {held_nusd}, has {found['queued']} to report"
