"""A member who says they need everything: a cap of their own bounds what others go without."""

import pytest

from agentspend.core.allowance.messages import Want
from tests.sync_server.house import DOLLAR, Device, House

POOL = "org.month"


async def lies(device: Device, nusd: int, times: int = 20) -> int:
    """How much of the pool the device has, when it asks for more again and again."""
    found = 0
    for _ in range(times):
        answer = await device.sync(Want(POOL, need_nusd=nusd, held_nusd=nusd))
        found = max(each.granted_nusd for each in answer.accounts if each.pool == POOL)
    return found


@pytest.mark.parametrize(("level", "name"), [("member", "eve"), ("device", "")])
async def test_a_cap_of_their_own_is_nearly_all_they_get_of_everybodys(
    house: House, level: str, name: str
) -> None:
    """$5 of their own, and an eighth of the pool at most beside; the others have the rest."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=80 * DOLLAR)
    eve, anna = await house.joined("eve"), await house.joined("anna")
    name = name or eve.certificate.device
    await house.ask("cap.set", level=level, name=name, window="day", cap_nusd=5 * DOLLAR)
    assert await lies(eve, 500 * DOLLAR) == 15 * DOLLAR
    assert await lies(anna, 65 * DOLLAR) == 65 * DOLLAR
    assert (await house.ask("verify"))["ok"]


async def test_a_cap_for_one_team_s_work_bounds_nothing_else(house: House) -> None:
    """What its member spends for another team does not count there."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=80 * DOLLAR)
    eve = await house.joined("eve")
    await house.ask("team.create", team="data")
    await house.ask("member.add_team", member="eve", team="data")
    await house.ask(
        "cap.set", level="member", name="eve", team="data", window="day", cap_nusd=5 * DOLLAR
    )
    assert await lies(eve, 60 * DOLLAR) > 50 * DOLLAR


async def test_the_bound_goes_with_the_cap(house: House) -> None:
    """A lead raises it: there is more at the next report."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=80 * DOLLAR)
    eve = await house.joined("eve")
    for own, had in ((5, 15), (30, 40)):
        await house.ask("cap.set", level="member", name="eve", window="week", cap_nusd=own * DOLLAR)
        assert await lies(eve, 500 * DOLLAR) == had * DOLLAR
    await house.ask("cap.set", level="member", name="eve", window="week", cap_nusd=None)
    assert await lies(eve, 500 * DOLLAR) == 80 * DOLLAR


async def test_ledger_after_ledger_keeps_no_more_from_the_others(house: House) -> None:
    """Each new one was given as much as the first, until nobody else had any. Who restores twice
    has as much as ever."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=80 * DOLLAR)
    eve, anna = await house.joined("eve"), await house.joined("anna")
    await house.ask("cap.set", level="member", name="eve", window="day", cap_nusd=5 * DOLLAR)
    for place in range(3):
        assert await lies(eve, 500 * DOLLAR, 3) == 15 * DOLLAR
        await eve.hello(f"n_{place}")
    assert await lies(eve, 500 * DOLLAR, 3) == 0
    assert await lies(anna, 35 * DOLLAR, 3) == 35 * DOLLAR
    await house.ask("device.write_off", device=eve.certificate.device)
    assert (await house.ask("verify"))["ok"]
