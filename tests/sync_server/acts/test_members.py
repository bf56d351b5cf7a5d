"""Members and devices: lists that may be read twice, moves, leavers, lost machines."""

from agentspend.core.allowance.messages import Status, Want
from tests.sync_server.house import DOLLAR, Device, House

PEOPLE = [
    {"team": "Backend", "email": "anna@acme.example", "name": "Anna Li", "tier": "senior"},
    {"team": "Data", "member": "ben", "role": "viewer"},
]


async def test_a_list_may_be_read_twice(house: House) -> None:
    """The first time each new member gets an invite; the second time nothing changes."""
    first = await house.ask("member.import", members=PEOPLE)
    assert [each["member"] for each in first["added"]] == ["anna", "ben"]
    assert first["teams"] == ["backend", "data"]
    device = await Device.join(house, first["added"][0]["join"])
    assert (device.certificate.team, device.certificate.member) == ("backend", "anna")
    end = (await house.ask("audit"))["end"]
    again = await house.ask("member.import", members=PEOPLE)
    assert (again["added"], again["changed"], again["teams"]) == ([], [], [])
    assert (await house.ask("audit"))["end"] == end


async def test_a_leaver_is_named_and_pruned_when_that_is_wanted(house: House) -> None:
    """Their devices may report, and get nothing."""
    added = (await house.ask("member.import", members=PEOPLE))["added"]
    ben = await Device.join(house, added[1]["join"])
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    assert (await house.ask("member.import", members=PEOPLE[:1]))["not_listed"] == ["ben"]
    assert (await ben.sync()).status is Status.ACTIVE
    pruned = await house.ask("member.import", members=PEOPLE[:1], prune=True)
    assert pruned["revoked"] == ["ben"]
    answer = await ben.sync(Want("org.month", need_nusd=DOLLAR))
    assert answer.status is Status.REVOKED
    assert sum(told.granted_nusd for told in answer.accounts) == 0
    assert (await house.ask("member.import", members=PEOPLE))["added"][0]["member"] == "ben"


async def test_a_list_that_names_somebody_twice_changes_nothing(house: House) -> None:
    """Two people of one name need names of their own."""
    status, _ = await house.try_to("member.import", members=[PEOPLE[1], PEOPLE[1]])
    assert status == 409
    assert (await house.ask("member.list"))["members"] == []


async def test_a_member_who_moves_spends_the_new_teams_money(house: House) -> None:
    """The old team's rights are asked back, and what was spent with them counts there."""
    device = await house.joined("anna", "backend")
    await house.ask("team.create", team="data")
    for team in ("backend", "data"):
        await house.ask("cap.set", level="team", name=team, window="month", cap_nusd=9 * DOLLAR)
    first = await device.sync(Want("team.backend.month", need_nusd=3 * DOLLAR))
    await house.ask("member.move", member="anna", team="data")
    place = ("team.backend.month", first.accounts[0].window)
    device.chain.add("settle", [(*place, DOLLAR)], DOLLAR)
    wants = [Want(f"team.{team}.month", need_nusd=6 * DOLLAR) for team in ("backend", "data")]
    told = {each.pool: each for each in (await device.sync(*wants)).accounts}
    assert told["team.backend.month"].keep_nusd == 0
    assert told["team.backend.month"].granted_nusd == first.accounts[0].granted_nusd
    assert told["team.data.month"].granted_nusd >= 6 * DOLLAR
    assert device.policy["team"] == "data"
    left = first.accounts[0].granted_nusd - DOLLAR
    device.chain.add("return", [(*place, left)])
    await device.sync()
    caps = {each["pool"]: each for each in (await house.ask("cap.list"))["caps"]}
    old = caps["team.backend.month"]
    assert (old["spent_nusd"], old["out_nusd"]) == (DOLLAR, 0)
    assert (await house.ask("verify"))["ok"]


async def test_a_lost_device_counts_as_spent(house: House) -> None:
    """All that lay on it; a revoked one's stays out until it reports."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    for number, act in enumerate(("device.lost", "device.revoke")):
        device = await house.joined(f"m{number}")
        await device.sync(Want("org.month", need_nusd=3 * DOLLAR))
        before = (await house.ask("device.list"))["devices"]
        out = sum(each["out_nusd"] for each in before)
        assert out >= 3 * DOLLAR
        await house.ask(act, device=device.certificate.device)
        after = (await house.ask("device.list"))["devices"]
        assert sum(each["out_nusd"] for each in after) == (0 if act == "device.lost" else out)
    assert {each["status"] for each in after} == {"lost", "revoked"}
    assert (await house.ask("verify"))["ok"]


async def test_old_ledgers_are_written_off_and_the_new_one_goes_on(house: House) -> None:
    """After a restore the old rights lie nowhere; the lead counts them as spent."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    device = await house.joined()
    await device.sync(Want("org.month", need_nusd=3 * DOLLAR))
    old = device.chain.inc
    await device.hello()
    done = await house.ask("device.write_off", device=device.certificate.device)
    assert done["ledgers"] == [old]
    answer = await device.sync(Want("org.month", need_nusd=DOLLAR))
    assert answer.status is Status.ACTIVE
    assert (await house.ask("device.write_off", device=device.certificate.device))["ledgers"] == []


async def test_members_are_listed_with_their_devices(house: House) -> None:
    """Who has not joined is seen at a glance."""
    await house.joined("anna")
    await house.ask("member.add", member="Ben Ode", team="backend", email="b@acme.example")
    listed = {
        each["member"]: each["devices"] for each in (await house.ask("member.list"))["members"]
    }
    assert listed == {"anna": 1, "ben-ode": 0}
    status, found = await house.try_to("member.add", member="anna", team="backend")
    assert (status, "invite anna" in found["error"]["hint"]) == (409, True)
    assert (await house.try_to("invite", member="nobody"))[0] == 404
