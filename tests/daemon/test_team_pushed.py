"""A real daemon on a real team server's line: what a lead changes is there before anybody asks."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.support.process import Home
from tests.sync_server.house import DOLLAR, house_in

TRIES = 400


async def cap_nusd(home: Home) -> int:
    """The cap of the one pool, as the daemon knows it."""
    done = await asyncio.to_thread(home.run, "team", "status", "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    return int(found["team"]["pools"][0]["cap_nusd"])


async def test_a_cap_change_reaches_a_daemon_that_listens(tmp_path: Path) -> None:
    """By the server's push: of its own accord the daemon would report in a quarter of an hour.
    It is known while no daemon runs, too."""
    home = Home(tmp_path / "home", "http://127.0.0.1:9", "")
    async with house_in(tmp_path / "team") as house:
        await house.ask("team.create", team="backend")
        await house.ask("cap.set", level="org", window="month", cap_nusd=5 * DOLLAR)
        made = await house.ask("member.add", member="anna", team="backend")
        code = str(made["invite"]["join"]).split()[4]
        try:
            joined = await asyncio.to_thread(home.run, "team", "join", house.base, code)
            assert joined.returncode == 0, joined.stderr
            for _ in range(TRIES):
                if house.hall.lines.held:
                    break
                await asyncio.sleep(0.05)
            assert await cap_nusd(home) == 5 * DOLLAR
            await house.ask("cap.set", level="org", window="month", cap_nusd=9 * DOLLAR)
            for _ in range(TRIES):
                if await cap_nusd(home) == 9 * DOLLAR:
                    break
            else:
                raise AssertionError("the daemon never heard of the new cap")
            await asyncio.to_thread(home.run, "daemon", "stop")
            told = json.loads((await asyncio.to_thread(home.run, "status", "--json")).stdout)
            [cap] = told["budgets"]
            assert (told["running"], cap["cap_nusd"], cap["is_whole"]) == (False, 9 * DOLLAR, False)
        finally:
            await asyncio.to_thread(home.run, "daemon", "stop")
            home.kill()
