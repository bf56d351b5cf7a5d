"""A member who may only look: no allowance on a device of theirs, and what lay there comes back."""

from agentspend.core.allowance.messages import Want
from tests.sync_server.house import DOLLAR, Device, House, said

POOL = "org.day"
NEEDS = Want(POOL, need_nusd=3 * DOLLAR)


async def out_nusd(house: House) -> int:
    """What lies on devices."""
    [cap] = (await house.ask("cap.list"))["caps"]
    return int(cap["out_nusd"])


async def capped(house: House) -> Device:
    """A cap of $10 a day, and a device that has $3 of it at least."""
    await house.ask("cap.set", level="org", window="day", cap_nusd=10 * DOLLAR)
    anna = await house.joined("anna")
    [account] = (await anna.sync(NEEDS)).accounts
    assert account.granted_nusd >= 3 * DOLLAR
    return anna


async def test_what_lies_on_a_viewer_s_device_is_asked_back_at_once(house: House) -> None:
    """The device is pushed, hears why, gives back all that is free, and gets nothing more. What it
    had spent before it heard counts, and so does everything once it is a member's again."""
    anna = await capped(house)
    async with anna.listening() as line:
        await house.ask("member.set_role", member="anna", role="viewer")
        assert await said(line) == "sync"
    [account] = (await anna.sync(NEEDS)).accounts
    assert (account.keep_nusd, anna.policy["role"]) == (0, "viewer")
    window, granted_nusd = account.window, account.granted_nusd
    anna.chain.add("settle", [(POOL, window, DOLLAR)], DOLLAR, counted="billed")
    anna.chain.add("return", [(POOL, window, granted_nusd - DOLLAR)])
    [account] = (await anna.sync(NEEDS)).accounts
    assert (account.granted_nusd, account.keep_nusd) == (granted_nusd, 0)
    [cap] = (await house.ask("cap.list"))["caps"]
    assert (cap["spent_nusd"], cap["out_nusd"]) == (DOLLAR, 0)
    await house.ask("member.set_role", member="anna", role="member")
    [account] = (await anna.sync(NEEDS)).accounts
    assert account.granted_nusd >= granted_nusd + 2 * DOLLAR
    assert "role" not in anna.policy
    assert (await house.ask("verify"))["ok"]


async def test_who_joins_as_a_viewer_gets_nothing(house: House) -> None:
    """Nor may they ask for a raise; the answer says who changes it. Others go on."""
    await capped(house)
    made = await house.ask("member.add", member="vic", team="backend", role="viewer")
    vic = await Device.join(house, made["invite"]["join"])
    assert vic.policy["role"] == "viewer"
    before_nusd = await out_nusd(house)
    [account] = (await vic.sync(NEEDS)).accounts
    assert (account.granted_nusd, await out_nusd(house)) == (0, before_nusd)
    status, found = await vic.request(DOLLAR)
    assert (status, "set-role vic member" in found["error"]["hint"]) == (403, True)
    assert (await vic.look()).role == "viewer"


async def test_a_viewer_s_spending_without_rights_counts(house: House) -> None:
    """A device that goes past its role (an older build, or a changed one) hides nothing."""
    anna = await capped(house)
    await house.ask("member.set_role", member="anna", role="viewer")
    anna.chain.ts_us = house.now[0]
    anna.chain.add("settle", (), 2 * DOLLAR, counted="billed")
    before_nusd = await free_nusd(house)
    await anna.sync()
    assert await free_nusd(house) == before_nusd - 2 * DOLLAR


async def free_nusd(house: House) -> int:
    """What may still be granted."""
    [cap] = (await house.ask("cap.list"))["caps"]
    return int(cap["free_nusd"])
