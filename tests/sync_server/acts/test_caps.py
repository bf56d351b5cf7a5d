"""Caps at every level, several windows at once; a change is the journal's and reaches devices."""

from typing import Any

import pytest

from agentspend.core.allowance.messages import Want
from tests.sync_server.house import DOLLAR, Device, House

DAY_US = 86_400_000_000


async def cap(house: House, level: str, window: str, dollars: int | None, **more: str) -> Any:
    """Set a cap in whole dollars."""
    nusd = None if dollars is None else dollars * DOLLAR
    return await house.ask("cap.set", level=level, window=window, cap_nusd=nusd, **more)


def spends(device: Device, amount: int, *pools: str) -> None:
    """A charge in the running windows of pools, as the device was told of them."""
    rights = [(pool, device_windows[pool], amount) for pool in pools]
    device.chain.add("settle", rights, amount)


device_windows: dict[str, int] = {}


async def granted(device: Device, *wants: Want) -> dict[str, int]:
    """What each pool has given the device; remembers the windows."""
    answer = await device.sync(*wants)
    device_windows.update({told.pool: told.window for told in answer.accounts})
    return {told.pool: told.granted_nusd for told in answer.accounts}


async def test_every_level_is_a_pool_of_its_own(house: House) -> None:
    """The device is told those it may pay into, and no others."""
    device = await house.joined("anna", "backend")
    await house.joined("ben", "data")
    name = device.certificate.device
    made = [
        await cap(house, "org", "month", 100),
        await cap(house, "team", "month", 50, name="backend"),
        await cap(house, "team", "month", 50, name="data"),
        await cap(house, "member", "week", 20, name="anna"),
        await cap(house, "member", "week", 20, name="ben"),
        await cap(house, "device", "day", 10, name=name),
        await cap(house, "project", "total", 30, name="acme/api"),
        await cap(house, "tag", "day", 5, name="ci", team="backend"),
    ]
    await device.sync()
    assert [(pool["id"], pool["level"]) for pool in device.policy["pools"]] == [
        (f"device.{name}.day", "device"), ("member.anna.week", "member"), ("org.month", "org"),
        ("project.acme/api.total", "project"), ("team.backend.month", "team"),
        ("team.backend.tag.ci.day", "tag"),
    ]  # fmt: skip
    assert {each["pool"] for each in made} >= {pool["id"] for pool in device.policy["pools"]}


async def test_no_pool_gives_more_than_its_cap(house: House) -> None:
    """Whatever is asked of it, by however many devices."""
    await cap(house, "org", "month", 10)
    devices = [await house.joined(f"m{number}") for number in range(4)]
    total = 0
    for device in devices:
        total += (await granted(device, Want("org.month", need_nusd=4 * DOLLAR)))["org.month"]
    assert total <= 10 * DOLLAR
    line = (await house.ask("cap.list"))["caps"][0]
    assert line["out_nusd"] + line["free_nusd"] == 10 * DOLLAR
    assert (await house.ask("verify"))["ok"]


async def test_a_lowered_cap_says_what_is_committed(house: House) -> None:
    """Nothing more is given; raised again it goes on."""
    await cap(house, "org", "month", 10)
    device = await house.joined()
    before = await granted(device, Want("org.month", need_nusd=6 * DOLLAR))
    lowered = await cap(house, "org", "month", 2)
    assert "committed already" in lowered["note"]
    assert await granted(device, Want("org.month", need_nusd=8 * DOLLAR)) == before
    assert (await cap(house, "org", "month", 40))["note"] == ""
    after = await granted(device, Want("org.month", need_nusd=8 * DOLLAR))
    assert after["org.month"] > before["org.month"]


async def test_a_cap_below_what_was_spent_without_rights_says_so_too(house: House) -> None:
    """Before it was set, or while it was only watched: nothing is granted all the same."""
    device = await house.joined()
    device.chain.ts_us = house.now[0]
    device.chain.add("settle", (), 5 * DOLLAR, counted="billed")
    await device.sync()
    assert (await cap(house, "org", "day", 10))["note"] == ""
    lowered = await cap(house, "org", "day", 2)
    assert lowered["note"].startswith("$5.00 is committed already: nothing is granted until")
    assert "next day" in lowered["note"]
    device.chain.add("settle", (), 5 * DOLLAR, counted="billed")
    await device.sync()
    assert (await cap(house, "org", "total", 40))["note"] == ""
    assert "next" not in (await cap(house, "org", "total", 1))["note"]


async def test_a_cap_is_taken_away_and_set_again(house: House) -> None:
    """Gone from the policy; what was spent there counts when it comes back."""
    await cap(house, "org", "month", 10)
    device = await house.joined()
    await granted(device, Want("org.month", need_nusd=DOLLAR))
    spends(device, DOLLAR, "org.month")
    await device.sync()
    await cap(house, "org", "month", None)
    await device.sync()
    assert (device.policy["pools"], (await house.ask("cap.list"))["caps"]) == ([], [])
    await cap(house, "org", "month", 10)
    assert (await house.ask("cap.list"))["caps"][0]["spent_nusd"] == DOLLAR
    status, _ = await house.try_to("cap.set", level="org", window="day", cap_nusd=None)
    assert status == 409


async def test_a_new_day_begins_by_itself(house: House) -> None:
    """The servers clock says when; the cap is whole again."""
    await cap(house, "org", "day", 10)
    device = await house.joined()
    await granted(device, Want("org.day", need_nusd=DOLLAR))
    spends(device, DOLLAR, "org.day")
    await device.sync()
    house.now[0] += DAY_US
    line = (await house.ask("cap.list"))["caps"][0]
    assert (line["spent_nusd"], line["cap_nusd"]) == (0, 10 * DOLLAR)
    assert line["out_nusd"] > 0


@pytest.mark.parametrize(
    "fields",
    [{"level": "team"}, {"level": "project"}, {"level": "member", "name": "none"},
     {"level": "tag", "name": "ci", "team": "none"}, {"level": "device", "name": "d_0"}],
    ids=str,
)  # fmt: skip
async def test_a_cap_for_nobody_is_refused(house: House, fields: dict[str, str]) -> None:
    """With what there is."""
    status, found = await house.try_to("cap.set", window="day", cap_nusd=1, **fields)
    assert status in (404, 409)
    assert found["error"]["hint"]


async def test_a_long_name_stays_one_name(house: House) -> None:
    """Two long projects are two pools, and fit the tables."""
    names = {(await cap(house, "project", "day", 1, name="p" * 150 + end))["pool"] for end in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 64 for name in names)


async def test_no_cap_takes_another_ones_place(house: House) -> None:
    """A team's name may read like a project in another team: the second cap of the name is refused,
    and the first one stays what it is."""
    for team in ("web", "web.project.shop"):
        await house.ask("team.create", team=team)
    await cap(house, "project", "month", 10, name="shop", team="web")
    fields = {"level": "team", "name": "web.project.shop", "window": "month", "cap_nusd": DOLLAR}
    status, found = await house.try_to("cap.set", **fields)
    assert (status, "another cap" in found["error"]["message"]) == (409, True)
    [kept] = (await house.ask("cap.list"))["caps"]
    assert (kept["team"], kept["scope"], kept["cap_nusd"]) == (
        "web", {"project": "shop"}, 10 * DOLLAR,
    )  # fmt: skip
    await cap(house, "project", "month", 20, name="shop", team="web")
