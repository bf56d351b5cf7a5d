"""How the team stands, as a device's screen hears it: sums agree, persons only where allowed."""

import pytest

from agentspend.core.allowance.accounts import Place
from agentspend.core.allowance.messages import Overview, Want
from agentspend.core.money import MAX_NUSD
from sync_server import burning, overview
from tests.sync_server.house import DOLLAR, Device, House, said

POOL = "org.month"


async def two_who_spent(house: House) -> tuple[Device, Device]:
    """Anna spent $3, Ben spent $5; both hold some allowance more."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    anna, ben = await house.joined("anna", "backend"), await house.joined("ben", "backend")
    for device, nusd in ((anna, 3 * DOLLAR), (ben, 5 * DOLLAR)):
        answer = await device.sync(Want(POOL, need_nusd=6 * DOLLAR))
        device.chain.ts_us = house.now[0]
        device.chain.settle(nusd, Place(POOL, answer.accounts[0].window))
        await device.sync()
    return anna, ben


async def test_a_lead_sees_who_burns_and_the_sums_agree(house: House) -> None:
    """Most spent first; the members' sums are the pool's, and what is committed is both parts."""
    anna, _ = await two_who_spent(house)
    await house.ask("member.set_role", member="anna", role="lead")
    seen = await anna.look()
    [pool] = seen.pools
    assert (seen.role, seen.frozen) == ("lead", False)
    assert [(each.member, each.spent_nusd) for each in pool.members] == [
        ("ben", 5 * DOLLAR), ("anna", 3 * DOLLAR),
    ]  # fmt: skip
    assert {each.lately_nusd for each in pool.members} == {5 * DOLLAR, 3 * DOLLAR}
    assert sum(each.spent_nusd for each in pool.members) == pool.spent_nusd == 8 * DOLLAR
    assert sum(each.out_nusd for each in pool.members) == pool.out_nusd > 0
    assert pool.cap_nusd == pool.spent_nusd + pool.out_nusd + pool.free_nusd
    [cap] = (await house.ask("cap.list"))["caps"]
    assert (cap["spent_nusd"], cap["out_nusd"]) == (pool.spent_nusd, pool.out_nusd)


@pytest.mark.parametrize("role", ["member", "viewer"])
async def test_others_see_only_their_own_unless_the_policy_says_so(house: House, role: str) -> None:
    """Nobody else is named; the sum of the rest is the cap's own business."""
    anna, _ = await two_who_spent(house)
    await house.ask("member.set_role", member="anna", role=role)
    [pool] = (await anna.look()).pools
    assert [each.member for each in pool.members] == ["anna"]
    assert (pool.others, pool.others_nusd) == (1, 5 * DOLLAR)
    await house.ask("policy.set", team="backend", rules={"visibility": "named"})
    [pool] = (await anna.look()).pools
    assert [each.member for each in pool.members] == ["ben", "anna"]


async def test_a_lead_sees_all_caps_another_those_above_the_device(house: House) -> None:
    """And of the open questions everybody's, another only their own."""
    anna, ben = await two_who_spent(house)
    await house.ask("team.create", team="data")
    await house.ask("cap.set", level="team", name="data", window="day", cap_nusd=DOLLAR)
    await ben.request(2 * DOLLAR, POOL)
    assert [each.pool for each in (await anna.look()).pools] == [POOL]
    assert (await anna.look()).questions == ()
    assert [each.request for each in (await ben.look()).questions]
    await house.ask("member.set_role", member="anna", role="lead")
    seen = await anna.look()
    assert [each.pool for each in seen.pools] == [POOL, "team.data.day"]
    [question] = seen.questions
    assert (question.member, question.pool, question.amount_nusd, question.reason) == (
        "ben", POOL, 2 * DOLLAR, "a large migration",
    )  # fmt: skip


async def test_a_question_of_an_earlier_window_is_not_shown(house: House) -> None:
    """Nobody waits for its answer."""
    _, ben = await two_who_spent(house)
    await ben.request(2 * DOLLAR, POOL)
    assert len((await ben.look()).questions) == 1
    for _ in range(8):
        house.now[0] += 5 * 86_400_000_000
        await ben.sync()
    assert (await ben.look()).questions == ()


async def test_the_answer_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is no room for is counted."""
    anna, ben = await two_who_spent(house)
    await house.ask("member.set_role", member="anna", role="lead")
    await house.ask("cap.set", level="org", window="day", cap_nusd=DOLLAR)
    for n in range(3):
        await ben.request(DOLLAR, POOL, nonce=f"n{n}")
    monkeypatch.setattr(overview, "MOST_POOLS", 1)
    monkeypatch.setattr(burning, "MOST_MEMBERS", 1)
    monkeypatch.setattr(overview, "MOST_QUESTIONS", 1)
    seen = await anna.look()
    assert (len(seen.pools), len(seen.questions), seen.left_out) == (1, 1, 3)
    await house.ask("cap.set", level="org", window="day", cap_nusd=None)
    [pool] = (await anna.look()).pools
    assert ([each.member for each in pool.members], pool.others, pool.others_nusd) == (
        ["ben"], 1, 3 * DOLLAR,
    )  # fmt: skip


async def test_while_a_lead_looks_devices_report_once_a_minute(house: House) -> None:
    """So that who burns is seen, and nobody is asked all the time; a member's look asks nobody."""
    anna, ben = await two_who_spent(house)
    async with ben.listening() as line:
        await anna.look()
        await house.ask("member.set_role", member="anna", role="lead")
        for _ in range(3):
            await anna.look()
        assert await said(line) == "sync"
        house.now[0] += 61_000_000
        await anna.look()
        assert await said(line) == "sync"


async def test_a_freeze_is_told_and_who_was_revoked_hears_nothing(house: House) -> None:
    """A look changes nothing, and is no way in."""
    anna, ben = await two_who_spent(house)
    await house.ask("freeze", team="backend")
    seen = await anna.look()
    assert isinstance(seen, Overview)
    assert seen.frozen
    await house.ask("device.revoke", device=ben.certificate.device)
    assert (await ben.try_to_look())[0] == 403
    await house.ask("member.revoke", member="anna")
    assert (await anna.try_to_look())[0] == 403


async def test_fantastic_amounts_keep_the_team_from_nobody(house: House) -> None:
    """Ledgers that claim more together than a message can say: everybody still sees the rest."""
    anna, ben = await house.joined("anna"), await house.joined("ben")
    await house.ask("cap.set", level="org", window="month", cap_nusd=10 * DOLLAR)
    for nonce in ("n_1", "n_2"):
        anna.chain.ts_us = house.now[0]
        anna.chain.add("settle", [], MAX_NUSD, counted="billed")
        await anna.sync()
        await anna.hello(nonce)
    [pool] = (await ben.look()).pools
    assert (pool.spent_nusd, pool.free_nusd) == (MAX_NUSD, 0)
