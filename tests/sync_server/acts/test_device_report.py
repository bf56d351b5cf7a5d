"""`device report`: who has not joined, and who shows signs of bypass."""

from tests.sync_server.house import DOLLAR, House

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


async def test_it_is_a_leads(house: House) -> None:
    """Members see their own figures, not other people's habits."""
    await house.ask("token.create", name="grafana", role="viewer")
    made = await house.ask("token.create", name="other", role="viewer")
    assert (await house.try_to("device.report", made["token"]))[0] == 403
