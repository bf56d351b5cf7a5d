"""Members and devices: lists that may be read twice, moves, leavers, lost machines."""

from typing import Any

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


async def in_two_teams(house: House) -> Device:
    """Anna, at home in backend and in data too, each with a cap below everybody's."""
    anna = await house.joined("anna", "backend")
    await house.ask("team.create", team="data")
    await house.ask("member.add_team", member="anna", team="data")
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
    for team in ("backend", "data"):
        await house.ask("cap.set", level="team", name=team, window="month", cap_nusd=9 * DOLLAR)
    await anna.sync()
    return anna


def pools_of(part: dict[str, Any]) -> list[str]:
    """The pools of one team's part of a policy."""
    return [pool["id"] for pool in part["pools"]]


async def caps_of(house: House) -> dict[str, tuple[int, int]]:
    """What is spent, and out on devices, in each cap."""
    caps = (await house.ask("cap.list"))["caps"]
    return {each["pool"]: (each["spent_nusd"], each["out_nusd"]) for each in caps}


async def test_a_member_of_two_teams_has_rights_in_both(house: House) -> None:
    """The policy says which pools are whose, and a device of an older build reads the home team's
    part alone; a charge counts in the team it names, and everybody sees who is where."""
    anna = await in_two_teams(house)
    [data] = anna.policy["teams"]
    assert (anna.policy["team"], data["team"]) == ("backend", "data")
    assert pools_of(anna.policy) == ["org.month", "team.backend.month"]
    assert pools_of(data) == ["team.data.month"]
    assert {pool["id"]: pool.get("team") for pool in (*anna.policy["pools"], *data["pools"])} == {
        "org.month": None, "team.backend.month": "backend", "team.data.month": "data",
    }  # fmt: skip
    names = ("org.month", "team.backend.month", "team.data.month")
    told = (await anna.sync(*(Want(name, need_nusd=3 * DOLLAR) for name in names))).accounts
    windows = {each.pool: each.window for each in told}
    assert all(each.granted_nusd >= 3 * DOLLAR for each in told)
    for team, nusd in (("backend", DOLLAR), ("data", 2 * DOLLAR)):
        rights = [(pool, windows[pool], nusd) for pool in ("org.month", f"team.{team}.month")]
        anna.chain.ts_us = house.now[0]
        anna.chain.add("settle", rights, nusd, team=team, counted="billed")
    await anna.sync()
    spent = {pool: spent for pool, (spent, _) in (await caps_of(house)).items()}
    assert spent == {
        "org.month": 3 * DOLLAR, "team.backend.month": DOLLAR, "team.data.month": 2 * DOLLAR,
    }  # fmt: skip
    for since in (0, house.now[0] - 1):
        lines = (await house.ask("report", by="team", since_us=since))["lines"]
        assert [(each["team"], each["billed_nusd"]) for each in lines] == [
            ("data", 2 * DOLLAR), ("backend", DOLLAR),
        ]  # fmt: skip
        found = await house.ask("report", by="member", team="data", since_us=since)
        assert [(each["member"], each["billed_nusd"]) for each in found["lines"]] == [
            ("anna", 2 * DOLLAR)
        ]
    [row] = (await house.ask("member.list"))["members"]
    assert (row["team"], row["teams"]) == ("backend", ["backend", "data"])
    counts = [
        (each["members"], each["devices"]) for each in (await house.ask("team.list"))["teams"]
    ]
    assert counts == [(1, 1), (1, 1)]
    assert (await house.ask("verify"))["ok"]


async def test_a_team_that_a_member_leaves_asks_its_rights_back(house: House) -> None:
    """No more is granted, what was spent counts there, and the rest of the member's goes on."""
    anna = await in_two_teams(house)
    [told] = (await anna.sync(Want("team.data.month", need_nusd=3 * DOLLAR))).accounts
    place = ("team.data.month", told.window)
    found = await house.ask("member.remove_team", member="anna", team="data")
    assert found["teams"] == ["backend"]
    anna.chain.add("settle", [(*place, DOLLAR)], DOLLAR, team="data", counted="billed")
    wants = [Want(name, need_nusd=6 * DOLLAR) for name in ("team.data.month", "team.backend.month")]
    said = {each.pool: each for each in (await anna.sync(*wants)).accounts}
    assert said["team.data.month"].keep_nusd == 0
    assert said["team.data.month"].granted_nusd == told.granted_nusd
    assert said["team.backend.month"].granted_nusd >= 6 * DOLLAR
    assert "teams" not in anna.policy
    anna.chain.add("return", [(*place, told.granted_nusd - DOLLAR)])
    await anna.sync()
    caps = await caps_of(house)
    assert caps["team.data.month"] == (DOLLAR, 0)
    assert caps["team.backend.month"][0] == 0
    assert (await house.ask("report", by="team"))["lines"][0]["team"] == "data"
    status, said_no = await house.try_to("member.remove_team", member="anna", team="backend")
    assert (status, "home team" in said_no["error"]["message"]) == (409, True)
    status, _ = await house.try_to("member.remove_team", member="anna", team="data")
    assert status == 404


async def test_a_team_that_a_member_is_not_in_gives_them_nothing(house: House) -> None:
    """Neither for a want nor for a charge that names it: that counts at home."""
    anna = await house.joined("anna", "backend")
    await house.joined("ben", "data")
    for team in ("backend", "data"):
        await house.ask("cap.set", level="team", name=team, window="month", cap_nusd=9 * DOLLAR)
    answer = await anna.sync(Want("team.data.month", need_nusd=DOLLAR))
    assert answer.accounts == ()
    anna.chain.ts_us = house.now[0]
    anna.chain.add(
        "settle", [("team.data.month", 3, DOLLAR)], DOLLAR, team="data", counted="billed"
    )
    assert (await anna.sync(Want("team.data.month", need_nusd=DOLLAR))).accounts == ()
    caps = await caps_of(house)
    assert (caps["team.data.month"], caps["team.backend.month"]) == ((0, 0), (DOLLAR, 0))
    lines = (await house.ask("report", by="team"))["lines"]
    assert [each["team"] for each in lines if each["billed_nusd"]] == ["backend"]


async def test_a_cap_that_comes_counts_what_its_own_team_spent(house: House) -> None:
    """Reported before it or after, by who is in the team or has left it."""
    anna = await house.joined("anna", "backend")
    await house.ask("team.create", team="data")
    await house.ask("member.add_team", member="anna", team="data")
    for nusd, team in ((DOLLAR, "backend"), (2 * DOLLAR, "data")):
        anna.chain.ts_us = house.now[0]
        anna.chain.add("settle", (), nusd, team=team, counted="billed")
    await anna.sync()
    await house.ask("member.remove_team", member="anna", team="data")
    for team in ("backend", "data"):
        await house.ask("cap.set", level="team", name=team, window="month", cap_nusd=9 * DOLLAR)
    anna.chain.add("settle", (), 3 * DOLLAR, team="data", counted="billed")
    await anna.sync()
    caps = await caps_of(house)
    assert (caps["team.data.month"], caps["team.backend.month"]) == ((5 * DOLLAR, 0), (DOLLAR, 0))


async def test_a_frozen_team_stops_itself(house: House) -> None:
    """The member's other one goes on, and so does what they share, as long as one of them may."""
    anna = await in_two_teams(house)
    names = ["org.month", "team.backend.month", "team.data.month"]
    wants = [Want(name, need_nusd=DOLLAR) for name in names]
    await house.ask("freeze", team="data")
    before = (await anna.sync(*wants)).accounts
    assert [each.pool for each in before if each.granted_nusd] == names[:2]
    assert (anna.policy["frozen"], anna.policy["teams"][0]["frozen"]) == (False, True)
    await house.ask("freeze", team="backend")
    after = (await anna.sync(*(Want(name, need_nusd=8 * DOLLAR) for name in names))).accounts
    granted = {each.pool: each.granted_nusd for each in before if each.granted_nusd}
    assert {each.pool: each.granted_nusd for each in after} == granted
    assert (await anna.look()).frozen


async def test_a_list_says_who_is_in_several_teams(house: House) -> None:
    """The first is home; a list that says otherwise the next time puts them elsewhere."""
    person = {"member": "anna", "team": "Backend; Data;Web"}
    found = await house.ask("member.import", members=[person])
    assert found["teams"] == ["backend", "data", "web"]
    [row] = (await house.ask("member.list"))["members"]
    assert row["teams"] == ["backend", "data", "web"]
    again = await house.ask("member.import", members=[person])
    assert again["changed"] == []
    await house.ask("member.move", member="anna", team="web")
    [row] = (await house.ask("member.list"))["members"]
    assert (row["team"], row["teams"]) == ("web", ["web", "data"])
    changed = await house.ask("member.import", members=[{**person, "team": "data"}])
    assert changed["changed"] == ["anna"]
    [row] = (await house.ask("member.list"))["members"]
    assert row["teams"] == ["data"]
    for team in (";", "backend;;data"):
        status, _ = await house.try_to("member.import", members=[{**person, "team": team}])
        assert status == 409


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
