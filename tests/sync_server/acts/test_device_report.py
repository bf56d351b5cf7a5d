"""`device report`: who has not joined, and who shows signs of bypass."""

from tests.sync_server.house import DOLLAR, House
from tests.sync_server.made import Chain

DAY_US = 86_400_000_000


async def test_who_has_not_joined_is_named_with_the_invite(house: House) -> None:
    """Until it is used; afterwards, and for who was revoked, there is no line."""
    await house.joined("anna")
    made = await house.ask("member.add", member="ben", team="backend")
    await house.ask("member.add", member="eve", team="backend")
    await house.ask("member.revoke", member="eve")
    [line] = (await house.ask("device.report"))["not_joined"]
    assert (line["member"], line["invited_until_us"]) == ("ben", made["invite"]["expires_us"])
    house.now[0] += 30 * DAY_US
    [line] = (await house.ask("device.report"))["not_joined"]
    assert line["invited_until_us"] is None


async def test_a_device_shows_what_the_server_knows(house: House) -> None:
    """Quiet after work, silent beside another machine, never heard; a busy one is not listed."""
    busy, quiet = await house.joined("anna"), await house.joined("ben")
    _, found = await busy.add_device()
    second = await type(busy).join(house, found["join"])
    for device in (busy, quiet, second):
        device.chain.ts_us = house.now[0]
        device.chain.add("settle", (), DOLLAR, counted="billed")
        await device.sync()
    never = await house.joined("cid")
    house.now[0] += 8 * DAY_US
    busy.chain.ts_us = house.now[0]
    busy.chain.add("settle", (), DOLLAR, counted="billed")
    await busy.sync()
    await quiet.sync()

    report = await house.ask("device.report")

    shown = {line["device"]: line["signs"] for line in report["devices"]}
    assert shown == {
        quiet.certificate.device: ["quiet"],
        second.certificate.device: ["silent"],
        never.certificate.device: ["never_synced"],
    }
    assert set(report["means"]) >= {"quiet", "silent", "never_synced"}


async def shown(house: House) -> dict[str, list[str]]:
    """The signs of each device that shows any."""
    found = (await house.ask("device.report"))["devices"]
    return {line["device"]: line["signs"] for line in found}


async def test_every_sign_is_seen_where_it_is_there(house: House) -> None:
    """On real devices, by what they did or left undone; those that work show none."""
    made = {name: await house.joined(name) for name in
            ("busy", "idle", "forked", "again", "gone", "ahead")}  # fmt: skip
    names = {device.certificate.device: name for name, device in made.items()}

    async def spends(name: str, ahead_us: int = 0) -> None:
        device = made[name]
        device.chain.ts_us = house.now[0] + ahead_us
        device.chain.add("settle", (), DOLLAR, counted="billed")
        await device.sync()

    for name in ("busy", "forked", "again", "gone"):
        await spends(name)
    await spends("ahead", 400 * DAY_US)
    twin = Chain(made["forked"].chain.inc)
    made["forked"].chain, kept = twin, made["forked"].chain
    await spends("forked", ahead_us=1)
    made["forked"].chain = kept
    for count in range(2):
        await made["again"].hello(f"again {count}")
    house.now[0] += 15 * DAY_US
    for name in ("busy", "again"):
        await spends(name)
    for name in ("idle", "forked", "ahead"):
        await made[name].sync()

    assert {names[device]: signs for device, signs in (await shown(house)).items()} == {
        "idle": ["never_spent"],
        "forked": ["forked", "quiet"],
        "again": ["many_ledgers"],
        "gone": ["gone"],
        "ahead": ["clock", "never_spent"],
    }


async def test_many_ledgers_are_a_sign_for_a_month(house: House) -> None:
    """Three within thirty days, the one it joined with among them; it comes again with new ones."""
    again = await house.joined("anna")

    async def works(days: int) -> bool:
        house.now[0] += days * DAY_US
        again.chain.ts_us = house.now[0]
        again.chain.add("settle", (), DOLLAR, counted="billed")
        await again.sync()
        found = await shown(house)
        assert found in ({}, {again.certificate.device: ["many_ledgers"]})
        return bool(found)

    for count, is_sign in ((1, False), (2, True)):
        house.now[0] += 5 * DAY_US
        await again.hello(f"n_{count}")
        assert await works(0) is is_sign
    assert [await works(days) for days in (14, 5, 1)] == [True, True, False]
    await again.hello("n_3")
    assert [await works(days) for days in (0, 5)] == [True, False]


async def test_it_is_a_leads(house: House) -> None:
    """Members see their own figures, not other people's habits."""
    await house.ask("token.create", name="grafana", role="viewer")
    made = await house.ask("token.create", name="other", role="viewer")
    assert (await house.try_to("device.report", made["token"]))[0] == 403
