"""Emergency reserves: granted only once drawn, drawn once in a window, and told with the reason."""

import pytest

from agentspend.core.allowance.messages import Want
from tests.sync_server.house import DOLLAR, Device, House, said

POOL = "org.day"
DAY_US = 86_400_000_000


async def capped(house: House) -> Device:
    """A cap of $10 a day, of which $4 are a reserve."""
    anna = await house.joined("anna")
    await house.ask("cap.set", level="org", window="day", cap_nusd=10 * DOLLAR)
    await house.ask("reserve.set", pool=POOL, reserve_nusd=4 * DOLLAR)
    return anna


async def granted(device: Device) -> int:
    """What the device has been given in all in the running window, asking for everything."""
    answer = await device.sync(Want(POOL, need_nusd=10 * DOLLAR))
    newest = max(answer.accounts, key=lambda told: told.window)
    return newest.granted_nusd


async def test_it_is_granted_once_somebody_drew_it_and_never_more(house: House) -> None:
    """Inside the cap: $6 before, $10 afterwards; everybody is pushed, and the reason is kept."""
    anna = await capped(house)
    assert await granted(anna) == 6 * DOLLAR
    async with anna.listening() as line:
        status, _ = await anna.draw_reserve(POOL, "production is down")
        assert status == 200
        assert await said(line) == "sync"
    assert await granted(anna) == 10 * DOLLAR
    [shown] = (await house.ask("reserve.list"))["reserves"]
    assert (shown["drawn"], shown["by"], shown["why"]) == (True, "anna", "production is down")
    acts = (await house.ask("audit", limit=100))["acts"]
    assert (acts[-1]["who"], acts[-1]["what"]) == ("anna", "reserve.draw")


async def test_it_is_drawn_once_and_whole_again_in_the_next_window(house: House) -> None:
    """Also after the rules were set anew, which say nothing of it."""
    anna = await capped(house)
    await anna.draw_reserve(POOL, "once")
    await house.ask("policy.set", rules={"models": [{"deny": ["*-pro"]}]})
    status, found = await anna.draw_reserve(POOL, "twice")
    assert (status, "was drawn by anna" in found["error"]["message"]) == (409, True)
    house.now[0] += DAY_US
    assert await granted(anna) == 6 * DOLLAR
    assert (await anna.draw_reserve(POOL, "another day"))[0] == 200


@pytest.mark.parametrize("reason", ["", "  ", "\t\n", "\u200b", "\u202e \u0007"])
async def test_it_is_not_drawn_without_a_word(house: House, reason: str) -> None:
    """The leads are told why: nothing, or what nobody can see, says nothing."""
    anna = await capped(house)
    status, found = await anna.draw_reserve(POOL, reason)
    assert (status, "--reason" in found["error"]["hint"]) == (409, True)
    assert await granted(anna) == 6 * DOLLAR


async def test_what_is_not_drawn_is_not_free(house: House) -> None:
    """Free is what may be granted: for leads, and on the device's screen."""
    anna = await capped(house)
    for drawn in (False, True):
        [cap] = (await house.ask("cap.list"))["caps"]
        [listed] = (await house.ask("org.show"))["caps"]
        [seen] = (await anna.look()).pools
        kept = 0 if drawn else 4 * DOLLAR
        for shown in (cap, listed):
            assert (shown["reserve_nusd"], shown["free_nusd"]) == (kept, 10 * DOLLAR - kept)
        assert (seen.reserve_nusd, seen.free_nusd) == (kept, 10 * DOLLAR - kept)
        await anna.draw_reserve(POOL, "production is down")


async def test_an_approval_says_what_is_short_beside_it(house: House) -> None:
    """A reserve that nobody has drawn is not there to be spent."""
    anna = await capped(house)
    await house.ask("cap.set", level="member", name="anna", window="day", cap_nusd=DOLLAR)
    _, asked = await anna.request(8 * DOLLAR, "member.anna.day")
    assert (await house.ask("request.approve", request=asked["id"]))["also_short"] == [POOL]


async def test_who_may_draw(house: House) -> None:
    """A signed device of the pool's; not where there is no reserve."""
    anna = await capped(house)
    forged = Device(house, bytes(32))
    forged.certificate = anna.certificate
    assert (await forged.draw_reserve(POOL, "x"))[0] == 403
    assert (await anna.draw_reserve("org.month", "x"))[0] == 409
    await house.ask("reserve.set", pool=POOL, reserve_nusd=None)
    assert (await anna.draw_reserve(POOL, "x"))[0] == 409
    assert await granted(anna) == 10 * DOLLAR


async def test_a_viewer_draws_none(house: House) -> None:
    """Who may only look spends nothing, also from a device of theirs."""
    anna = await capped(house)
    await house.ask("member.set_role", member="anna", role="viewer")
    assert (await anna.draw_reserve(POOL, "production is down"))[0] == 403
    await house.ask("member.set_role", member="anna", role="member")
    assert await granted(anna) == 6 * DOLLAR


async def test_who_drew_is_told_to_who_pays_in(house: House) -> None:
    """Another team hears that it was drawn; of a person's own cap nothing, unless all are named."""
    await house.joined("anna", "backend")
    ben = await house.joined("ben", "data")
    drawn = {"member.ben.day": "member", "team.data.day": "team", "org.day": "org"}
    for pool, level in drawn.items():
        name = {"member": "ben", "team": "data", "org": ""}[level]
        await house.ask("cap.set", level=level, name=name, window="day", cap_nusd=9 * DOLLAR)
        await house.ask("reserve.set", pool=pool, reserve_nusd=DOLLAR)
        assert (await ben.draw_reserve(pool, "a client is suing"))[0] == 200
    tokens = {
        name: (await house.ask("token.create", name=name, role="member", member=member))["token"]
        for name, member in (("anna", "anna"), ("ben", "ben"))
    }

    async def seen(token: str) -> dict[str, str]:
        found = (await house.ask("reserve.list", token))["reserves"]
        assert all(each["drawn"] and bool(each["by"]) == bool(each["why"]) for each in found)
        return {each["pool"]: each["by"] for each in found}

    everything = dict.fromkeys(drawn, "ben")
    assert await seen(tokens["anna"]) == {"team.data.day": "", "org.day": "ben"}
    assert await seen(tokens["ben"]) == everything
    assert await seen(house.token) == everything
    await house.ask("policy.set", rules={"visibility": "named"})
    assert await seen(tokens["anna"]) == everything
