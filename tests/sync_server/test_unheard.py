"""Reports say whose word they lack: a device that is silent may have spent all the while."""

import pytest

from sync_server.unheard import SILENT_US
from tests.sync_server.house import DOLLAR, House

NOBODY = {"devices": 0, "since_us": 0}


async def test_a_report_says_how_many_are_silent_and_since_when(house: House) -> None:
    """Of those that the report is about; a team's leads need not hear of another's."""
    anna, ben = await house.joined("anna", "backend"), await house.joined("ben", "data")
    await anna.sync()
    seen_us = house.now[0]
    assert (await house.ask("report"))["silent"] == NOBODY
    house.now[0] += SILENT_US // 2
    await ben.sync()
    house.now[0] += SILENT_US // 2 + 1
    told = {"devices": 1, "since_us": seen_us}
    assert (await house.ask("report"))["silent"] == told
    assert (await house.ask("report", team="backend", by="model"))["silent"] == told
    assert (await house.ask("report", team="data"))["silent"] == NOBODY
    assert (await house.ask("report", until_us=seen_us))["silent"] == NOBODY
    house.now[0] += SILENT_US
    assert (await house.ask("report"))["silent"]["devices"] == 2
    await anna.sync()
    await ben.sync()
    assert (await house.ask("report"))["silent"] == NOBODY


async def test_a_member_hears_of_their_own_devices_alone(house: House) -> None:
    """Their report is about these; of others they are told nothing."""
    await house.joined("anna", "backend")
    await house.joined("ben", "data")
    token = (await house.ask("token.create", name="annas", member="anna"))["token"]
    house.now[0] += 2 * SILENT_US
    assert (await house.ask("report", token))["silent"]["devices"] == 1


@pytest.mark.parametrize("act", ["device.revoke", "device.lost"])
async def test_nobody_waits_for_a_device_that_was_sent_away(house: House, act: str) -> None:
    """A lead knows of it."""
    anna = await house.joined()
    house.now[0] += 2 * SILENT_US
    await house.ask(act, device=anna.certificate.device)
    assert (await house.ask("report"))["silent"] == NOBODY


async def test_after_a_restore_every_device_is_to_speak_once(house: House) -> None:
    """What it had reported since the copy is forgotten, also what only warned."""
    anna = await house.joined()
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    await anna.sync()
    seen_us = house.now[0]
    house.now[0] += 1_000_000
    house.hall.service.take_over({"who": "restore", "what": "restore"}, house.now[0])
    told = {"devices": 1, "since_us": seen_us}
    assert (await house.ask("report"))["silent"] == told
    assert (await house.ask("report", until_us=seen_us - 1))["silent"] == told
    await anna.sync()
    assert (await house.ask("report"))["silent"] == NOBODY
