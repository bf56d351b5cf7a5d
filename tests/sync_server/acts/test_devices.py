"""Devices as they are listed, and what becomes of the ledgers they leave behind."""

from typing import Any

from agentspend.core.allowance.messages import Hello, Status, Want
from tests.sync_server.house import DOLLAR, Device, House
from tests.sync_server.made import Chain

POOL = "org.month"


async def listed(house: House, device: Device) -> dict[str, Any]:
    """A device as the lead sees it."""
    found = (await house.ask("device.list"))["devices"]
    return next(each for each in found if each["device"] == device.certificate.device)


async def works(device: Device, inc: str, nusd: int = 3 * DOLLAR) -> Status:
    """It goes on with this ledger, and gets as much."""
    device.chain = Chain(inc)
    return (await device.sync(Want(POOL, need_nusd=nusd))).status


async def asks_anew(device: Device, old: str, nonce: str) -> str:
    """It asks for a successor to a ledger: the new one's name."""
    device.chain = Chain(old)
    return (await device.hello(nonce)).inc


async def capped(house: House) -> Device:
    """A device under a cap of $100."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    return await house.joined()


async def test_a_restore_over_a_restore_is_seen_and_written_off(house: House) -> None:
    """The ledger between the two lies nowhere: it was active, and no lead could reach it."""
    device = await capped(house)
    first = device.chain.inc
    await works(device, first)
    second = await asks_anew(device, first, "n_2")
    await works(device, second)
    third = await asks_anew(device, first, "n_3")
    await works(device, third)
    line = await listed(house, device)
    assert (line["status"], line["old_ledgers"]) == ("active", 2)
    assert line["old_out_nusd"] >= 6 * DOLLAR
    assert line["out_nusd"] >= line["old_out_nusd"] + 3 * DOLLAR
    done = await house.ask("device.write_off", device=device.certificate.device)
    assert sorted(done["ledgers"]) == sorted([first, second])
    line = await listed(house, device)
    assert (line["old_ledgers"], line["old_out_nusd"]) == (0, 0)
    assert await works(device, third) is Status.ACTIVE
    assert (await house.ask("verify"))["ok"]


async def test_of_two_that_seem_alive_the_one_heard_last_goes_on(house: House) -> None:
    """A twin, or one from before ledgers named their parents. One that was never heard has
    nothing on it, and is left alone."""
    device = await capped(house)
    first = device.chain.inc
    await works(device, first)
    own = device.certificate
    asked = Hello(own.team, own.device, "i_forgotten", "n_2", "restored", "")
    await house.post("/v1/hello", device.posted(asked))
    line = await listed(house, device)
    assert (line["old_ledgers"], line["old_out_nusd"]) == (0, 0)
    second = await asks_anew(device, "i_forgotten", "n_3")
    await works(device, second, DOLLAR)
    assert (await listed(house, device))["old_ledgers"] == 1
    done = await house.ask("device.write_off", device=own.device)
    assert done["ledgers"] == [first]
    assert await works(device, second) is Status.ACTIVE
    assert await works(device, first) is Status.LOST


async def test_who_comes_back_from_a_written_off_ledger_gets_a_new_one(house: House) -> None:
    """Its device is in good standing; nothing is on the new one."""
    device = await capped(house)
    first = device.chain.inc
    await works(device, first)
    await asks_anew(device, first, "n_2")
    await house.ask("device.write_off", device=device.certificate.device)
    again = await asks_anew(device, first, "n_3")
    assert await works(device, again) is Status.ACTIVE


async def test_what_lies_on_a_device_is_shown_as_persons_are(house: House) -> None:
    """It says what somebody spends: to leads, to its own member, and where members are named."""
    device = await capped(house)
    await house.joined("ben")
    await works(device, device.chain.inc)
    tokens = {}
    for name in ("anna", "ben"):
        made = await house.ask("token.create", name=f"{name}s", member=name)
        tokens[name] = made["token"]
    tokens["grafana"] = (await house.ask("token.create", name="grafana", role="viewer"))["token"]

    async def seen(who: str) -> dict[str, bool]:
        found = (await house.ask("device.list", tokens[who]))["devices"]
        shown = ("out_nusd", "old_out_nusd")
        return {each["member"]: all(each[key] is not None for key in shown) for each in found}

    assert await seen("anna") == {"anna": True, "ben": False}
    assert await seen("ben") == {"anna": False, "ben": True}
    assert await seen("grafana") == {"anna": False, "ben": False}
    await house.ask("policy.set", rules={"visibility": "pseudonymous"})
    assert await seen("grafana") == {"anna": False, "ben": False}
    await house.ask("policy.set", rules={"visibility": "named"})
    assert await seen("grafana") == {"anna": True, "ben": True}
