"""A real daemon that two people tell to join at once."""

import asyncio
from pathlib import Path
from typing import Any

from tests.daemon.helpers import ask
from tests.support.process import Home
from tests.sync_server.house import House, house_in


async def invite(house: House) -> str:
    """A line for Anna, its code."""
    await house.ask("team.create", team="backend")
    made = await house.ask("member.add", member="anna", team="backend")
    return str(made["invite"]["join"]).split()[4]


async def test_a_device_joins_one_team_however_many_are_named_at_once(tmp_path: Path) -> None:
    """The first server is slow; whoever names another one meanwhile is told so, and its invite is
    not used up. Else the device would talk to both in the name of one."""
    async with house_in(tmp_path / "one") as one, house_in(tmp_path / "two") as two:
        codes = await invite(one), await invite(two)
        arrived, goes_on = asyncio.Event(), asyncio.Event()
        works = one.hall.work

        async def slowly(do: Any) -> Any:
            arrived.set()
            await goes_on.wait()
            return await works(do)

        one.hall.work = slowly  # type: ignore[method-assign]
        with Home(tmp_path / "anna") as home:
            await asyncio.to_thread(home.run, "daemon", "start")
            first = asyncio.create_task(
                asyncio.to_thread(ask, home, "team.join", url=one.base, code=codes[0])
            )
            await arrived.wait()
            second = await asyncio.to_thread(home.run, "team", "join", two.base, codes[1])
            assert second.returncode == 1
            assert "joining a team at this moment" in second.stderr
            goes_on.set()
            assert (await first)["member"] == "anna"
            assert (await two.ask("device.list"))["devices"] == []
