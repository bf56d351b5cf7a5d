"""A lead answers from a device, in seconds; nobody else can, whatever they send."""

from agentspend.core.allowance.messages import Verdict, Want
from tests.sync_server.house import DOLLAR, Device, House, said

POOL = "team.backend.day"
DAY_US = 86_400_000_000


async def asked_for(house: House) -> tuple[Device, Device, str]:
    """A lead's device, a member's at the cap, and the member's question for $20."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=500 * DOLLAR)
    lead, member = await house.joined("lee", "data"), await house.joined("anna", "backend")
    await house.ask("member.set_role", member="lee", role="lead")
    await house.ask("cap.set", level="team", name="backend", window="day", cap_nusd=5 * DOLLAR)
    _, found = await member.request(20 * DOLLAR, POOL)
    return lead, member, found["id"]


async def cap_of(house: House) -> int:
    """The cap as it is now."""
    caps = {each["pool"]: each["cap_nusd"] for each in (await house.ask("cap.list"))["caps"]}
    return int(caps[POOL])


async def test_a_question_reaches_the_lead_and_the_answer_the_one_who_asked(house: House) -> None:
    """By push, both ways; the money is there with the next sync."""
    lead, member, _ = await asked_for(house)
    async with lead.listening() as to_lead, member.listening() as to_member:
        _, found = await member.request(10 * DOLLAR, POOL, nonce="n_2")
        assert await said(to_lead) == "sync"
        status, answer = await lead.decide(found["id"], Verdict.APPROVE)
        assert (status, answer["status"], answer["cap_nusd"]) == (200, "approved", 15 * DOLLAR)
        assert await said(to_member) == "sync"
    granted = await member.sync(Want(POOL, need_nusd=8 * DOLLAR))
    [told] = [each for each in granted.accounts if each.pool == POOL]
    assert told.granted_nusd >= 8 * DOLLAR
    acts = (await house.ask("audit", limit=100))["acts"]
    assert (acts[-1]["who"], acts[-1]["what"]) == ("lee", "request.approve")


async def test_only_a_lead_may_answer_and_only_while_one(house: House) -> None:
    """The role is that of this moment; a forged or revoked device changes nothing."""
    lead, member, name = await asked_for(house)
    for verdict in Verdict:
        status, found = await member.decide(name, verdict)
        assert (status, "takes a lead" in found["error"]["message"]) == (403, True)
    forged = Device(house, bytes(32))
    forged.certificate = lead.certificate
    assert (await forged.decide(name, Verdict.APPROVE))[0] == 403
    await house.ask("member.set_role", member="lee", role="member")
    assert (await lead.decide(name, Verdict.APPROVE))[0] == 403
    await house.ask("member.set_role", member="lee", role="lead")
    await house.ask("device.revoke", device=lead.certificate.device)
    assert (await lead.decide(name, Verdict.APPROVE))[0] == 403
    assert await cap_of(house) == 5 * DOLLAR


async def test_an_approval_can_be_taken_back_for_ten_minutes(house: House) -> None:
    """The cap is as before and the question open; later it says what to do instead."""
    lead, _, name = await asked_for(house)
    await lead.decide(name, Verdict.APPROVE, 12 * DOLLAR)
    assert await cap_of(house) == 17 * DOLLAR
    status, found = await lead.decide(name, Verdict.REOPEN)
    assert (status, found["status"], await cap_of(house)) == (200, "open", 5 * DOLLAR)
    assert [each.request for each in (await lead.look()).questions] == [name]
    await lead.decide(name, Verdict.APPROVE, 12 * DOLLAR)
    house.now[0] += 600_000_001
    status, found = await lead.decide(name, Verdict.REOPEN)
    assert (status, "ten minutes ago" in found["error"]["message"]) == (409, True)


async def test_taking_back_never_takes_more_than_the_raise(house: House) -> None:
    """A cap that was set meanwhile stands; what is open cannot be opened; a no can be undone."""
    lead, _, name = await asked_for(house)
    assert (await lead.decide(name, Verdict.REOPEN))[0] == 409
    await lead.decide(name, Verdict.REFUSE)
    assert (await lead.look()).questions == ()
    assert (await lead.decide(name, Verdict.REOPEN))[0] == 200
    assert len((await lead.look()).questions) == 1
    await lead.decide(name, Verdict.APPROVE)
    await house.ask("cap.set", level="team", name="backend", window="day", cap_nusd=30 * DOLLAR)
    await lead.decide(name, Verdict.REOPEN)
    assert await cap_of(house) == 30 * DOLLAR
