"""A charge that was too high: the device says so, and a lead alone gives it back."""

from agentspend.core.allowance.messages import Want
from tests.sync_server.house import DOLLAR, House

POOL = "org.month"


async def test_an_estimate_comes_back_by_a_leads_word_alone(house: House) -> None:
    """The report is right at once; the cap counts it until the request is approved."""
    anna = await house.joined("anna")
    await house.ask("cap.set", level="org", window="month", cap_nusd=10 * DOLLAR)
    [told] = (await anna.sync(Want(POOL, need_nusd=10 * DOLLAR))).accounts
    anna.chain.ts_us = house.now[0]
    anna.chain.add("settle", [(POOL, told.window, 9 * DOLLAR)], 9 * DOLLAR, counted="billed")
    anna.chain.add("adjust", (), -8 * DOLLAR, counted="billed")
    answer = await anna.sync(Want(POOL, need_nusd=5 * DOLLAR))
    [cap] = (await house.ask("cap.list"))["caps"]
    assert (cap["spent_nusd"], cap["free_nusd"]) == (9 * DOLLAR, 0)
    assert answer.accounts[0].granted_nusd == 10 * DOLLAR
    [line] = (await house.ask("report", by="member"))["lines"]
    assert line["billed_nusd"] == DOLLAR

    _, asked = await anna.request(8 * DOLLAR, POOL)
    await house.ask("request.approve", request=asked["id"])

    answer = await anna.sync(Want(POOL, need_nusd=8 * DOLLAR))
    assert answer.accounts[0].granted_nusd - 9 * DOLLAR >= 8 * DOLLAR
