"""What people who are no leads see of others: sums, numbers, or names, as the policy says."""

import pytest

from agentspend.core.allowance.messages import Want
from sync_server.roles import Role
from sync_server.store import cases
from sync_server.visibility import Onlooker, Visibility, of, onlooker
from tests.sync_server.house import DOLLAR, House

POOL = "org.month"


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ([], Visibility.AGGREGATE),
        ([{}, {}], Visibility.AGGREGATE),
        ([{"visibility": "pseudonymous"}, {}], Visibility.PSEUDONYMOUS),
        ([{"visibility": "aggregate"}, {"visibility": "named"}], Visibility.NAMED),
    ],
)
def test_the_widest_word_counts(rules: list[dict[str, object]], found: Visibility) -> None:
    """Of the organisation's and the own team's; nothing said is a sum."""
    assert of(*rules) is found


@pytest.mark.parametrize(
    ("word", "names", "report"),
    [
        ("", ["anna"], None),
        ("pseudonymous", ["member 1", "anna"], ["member 1", "member 2"]),
        ("named", ["ben", "anna"], ["ben", "anna"]),
    ],
)
async def test_what_a_member_and_a_viewer_see(
    house: House, word: str, names: list[str], report: list[str] | None
) -> None:
    """On the screen and in reports; a lead sees names whatever the policy says."""
    anna, ben = await house.joined("anna"), await house.joined("ben")
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
    for device, nusd in ((anna, DOLLAR), (ben, 2 * DOLLAR)):
        [told] = (await device.sync(Want(POOL, need_nusd=3 * DOLLAR))).accounts
        device.chain.ts_us = house.now[0]
        device.chain.add("settle", [(POOL, told.window, nusd)], nusd, counted="billed")
        await device.sync()
    await house.ask("policy.set", rules={"visibility": word})
    viewer = (await house.ask("token.create", name="grafana", role="viewer"))["token"]

    [pool] = (await anna.look()).pools
    assert [each.member for each in pool.members] == names
    status, found = await house.try_to("report", viewer, by="member")
    if report is None:
        assert status == 403
    else:
        assert [line["member"] for line in found["lines"]] == report
    lines = (await house.ask("report", by="member"))["lines"]
    assert [line["member"] for line in lines] == ["ben", "anna"]


async def test_a_team_s_word_is_for_its_own_people(house: House) -> None:
    """Anna's team names its members to each other; Ben's, in the same pool, stay a sum to her."""
    names = (("anna", "backend"), ("ben", "secret"), ("cleo", "backend"))
    people = {name: await house.joined(name, team) for name, team in names}
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
    await house.ask("policy.set", team="backend", rules={"visibility": "named"})
    for nusd, device in enumerate(people.values(), 1):
        [told] = (await device.sync(Want(POOL, need_nusd=3 * DOLLAR))).accounts
        device.chain.add("settle", [(POOL, told.window, nusd * DOLLAR)], nusd * DOLLAR)
        await device.sync()
    [pool] = (await people["anna"].look()).pools
    assert [each.member for each in pool.members] == ["cleo", "anna"]
    assert (pool.others, pool.others_nusd) == (1, 2 * DOLLAR)
    [pool] = (await people["ben"].look()).pools
    assert [each.member for each in pool.members] == ["ben"]
    assert (pool.others, pool.others_nusd) == (2, 4 * DOLLAR)
    await house.ask("policy.set", rules={"visibility": "pseudonymous"})
    [pool] = (await people["anna"].look()).pools
    assert [each.member for each in pool.members] == ["cleo", "member 2", "anna"]
    assert (pool.others, pool.others_nusd) == (0, 0)


@pytest.mark.parametrize("act", ["cap.list", "org.show"])
async def test_a_person_s_caps_are_shown_to_who_may_see_the_person(house: House, act: str) -> None:
    """A member's and a device's cap and sums: their own, a lead's, or by the policy's word."""
    anna, ben = await house.joined("anna", "backend"), await house.joined("ben", "data")
    shared = await house.ask("cap.set", level="org", window="day", cap_nusd=DOLLAR)
    own: dict[str, set[str]] = {"anna": {shared["pool"]}, "ben": {shared["pool"]}}
    for name, device in (("anna", anna), ("ben", ben)):
        for level, whose in (("member", name), ("device", device.certificate.device)):
            told = await house.ask(
                "cap.set", level=level, name=whose, window="day", cap_nusd=DOLLAR
            )
            own[name].add(told["pool"])
    tokens = {
        "anna": (await house.ask("token.create", name="a", member="anna"))["token"],
        "viewer": (await house.ask("token.create", name="v", role="viewer"))["token"],
        "lead": house.token,
    }

    async def seen(who: str) -> set[str]:
        return {each["pool"] for each in (await house.ask(act, tokens[who]))["caps"]}

    everything = own["anna"] | own["ben"]
    assert await seen("viewer") == {shared["pool"]}
    assert await seen("anna") == own["anna"]
    assert await seen("lead") == everything
    await house.ask("policy.set", team="backend", rules={"visibility": "named"})
    await house.ask("policy.set", rules={"visibility": "pseudonymous"})
    assert (await seen("viewer"), await seen("anna")) == ({shared["pool"]}, own["anna"])
    await house.ask("policy.set", rules={"visibility": "named"})
    assert await seen("viewer") == await seen("anna") == everything


async def test_nobody_s_token_is_nobody(house: House) -> None:
    """It is of no team, and a pool of everybody's is not its own."""
    with house.hall.service.engine.begin() as conn:
        org = cases.org_row(conn, house.hall.service.org)
        found = onlooker(conn, org, Role.VIEWER, "")
    assert found == Onlooker("", Visibility.AGGREGATE, {})
    assert found.sees("", []) is Visibility.AGGREGATE
