"""A device that says it leaves: the leads see it, and nobody waits for a word of it any more."""

from pathlib import Path

from sqlalchemy import select

from agentspend.core.allowance.accounts import Place
from agentspend.core.allowance.messages import Status, Want
from agentspend.wire.entries import LEFT
from sync_server.store.tables import devices
from tests.sync_server.acts.test_devices import POOL, capped, listed
from tests.sync_server.house import DOLLAR, Device, House
from tests.sync_server.made import Chain
from tests.sync_server.office import Office

AWAY_US = 20 * 86_400_000_000


async def leaves(device: Device) -> None:
    """Its person has said so, and it reports."""
    device.chain.add("close", text=LEFT)
    await device.sync()


async def test_who_left_is_listed_as_left_and_is_no_suspect(house: House) -> None:
    """It showed as active for ever, with signs of bypass once it was silent for two weeks."""
    device = await capped(house)
    await leaves(device)
    assert (await listed(house, device))["status"] == "left"
    [member] = (await house.ask("member.list"))["members"]
    assert member["devices"] == 0
    [team] = (await house.ask("team.list"))["teams"]
    assert (team["members"], team["devices"]) == (1, 0)
    assert (await house.ask("org.show"))["devices"] == 0
    act = (await house.ask("audit"))["acts"][-1]
    assert (act["who"], act["what"], act["device"]) == (
        "anna", "device.leave", device.certificate.device,
    )  # fmt: skip
    house.now[0] += AWAY_US
    found = await house.ask("device.report")
    assert found["devices"] == []
    assert [each["member"] for each in found["not_joined"]] == ["anna"]
    assert (await house.ask("verify"))["ok"]


async def test_it_is_noted_once_and_takes_no_share_of_a_cap(house: House) -> None:
    """As long as it counted, the others were granted less for their idle time."""
    device = await capped(house)
    others = [await house.joined(name, "backend") for name in ("ben", "eva")]
    await leaves(device)
    await device.sync()
    acts = [each["what"] for each in (await house.ask("audit"))["acts"]]
    assert acts.count("device.leave") == 1
    answer = await others[0].sync(Want(POOL))
    assert answer.accounts[0].granted_nusd == min(10 * DOLLAR, 100 * DOLLAR // (3 * 2))


async def test_with_a_fresh_invite_it_is_back(house: House) -> None:
    """What its old ledger says late is about the time before."""
    device = await capped(house)
    device.chain.add("close", text=LEFT)
    made = await house.ask("invite", member="anna")
    status, found = await device.enrol(made["join"].split()[4].partition(".")[0])
    assert status == 200, found
    await device.sync()
    with house.hall.service.engine.begin() as conn:
        assert conn.execute(select(devices.c.left_us)).scalar_one() == 0
    assert (await listed(house, device))["status"] == "active"


async def test_who_says_so_and_goes_on_gets_nothing(house: House) -> None:
    """No signs are looked for there: whoever hides behind the word has no allowance either, and
    decides nothing."""
    device = await capped(house)
    await house.ask("member.set_role", member="anna", role="lead")
    await leaves(device)
    told = await device.sync(Want(POOL, need_nusd=DOLLAR))
    assert [(each.granted_nusd, each.keep_nusd) for each in told.accounts] == [(0, 0)]
    status, _ = await device.try_to_look()
    assert status == 403
    status, _ = await device.request(DOLLAR)
    assert status == 403


async def test_who_is_sent_away_after_leaving_was_sent_away(house: House) -> None:
    """The lead's word is the last."""
    device = await capped(house)
    await leaves(device)
    await house.ask("device.revoke", device=device.certificate.device)
    assert (await listed(house, device))["status"] == "revoked"


def test_a_restore_remembers_who_left(tmp_path: Path) -> None:
    """It says so once, and never again."""
    office = Office(tmp_path)
    office.backup()
    chain = Chain().settle(5, Place("org", office.state().window)).add("close", text=LEFT)
    assert office.sync(chain).status is Status.ACTIVE
    office.restore()
    [row] = office.rows(devices)
    assert row.left_us > 0
    office.close()
