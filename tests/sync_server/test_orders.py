"""What a person orders from a device counts once, soon or never, whoever sends the bytes again."""

import secrets

from agentspend.core.allowance.messages import Decide, DrawReserve, Verdict
from tests.sync_server.house import DOLLAR, Device, House

POOL = "team.backend.day"
DAY_US = 86_400_000_000
LATE_US = 300_000_001


async def asked_for(house: House) -> tuple[Device, str]:
    """A lead's device, and a member's question for $20 above a cap of $5."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=500 * DOLLAR)
    lead, member = await house.joined("lee", "data"), await house.joined("anna", "backend")
    await house.ask("member.set_role", member="lee", role="lead")
    await house.ask("cap.set", level="team", name="backend", window="day", cap_nusd=5 * DOLLAR)
    _, found = await member.request(20 * DOLLAR, POOL)
    return lead, found["id"]


async def cap_of(house: House) -> int:
    """The cap as it is now."""
    caps = {each["pool"]: each["cap_nusd"] for each in (await house.ask("cap.list"))["caps"]}
    return int(caps[POOL])


def decides(lead: Device, request: str, heard_us: int = 0, **words: str) -> dict[str, str]:
    """The bytes of a lead's approval."""
    own = lead.certificate
    nonce = words.get("nonce", secrets.token_hex(8))
    said = Decide(own.team, own.device, request, Verdict.APPROVE, 0, nonce, heard_us)
    return lead.posted(said)


async def test_an_approval_that_is_heard_again_raises_nothing(house: House) -> None:
    """After it was taken back it would lift the cap anew; the answer is that of the first time."""
    lead, name = await asked_for(house)
    captured = decides(lead, name)
    first = await house.post("/v1/decide", captured)
    assert await house.post("/v1/decide", captured) == first
    assert await cap_of(house) == 25 * DOLLAR
    await lead.decide(name, Verdict.REOPEN)
    assert await cap_of(house) == 5 * DOLLAR
    assert await house.post("/v1/decide", captured) == first
    assert await cap_of(house) == 5 * DOLLAR
    assert [each.request for each in (await lead.look()).questions] == [name]


async def test_a_daemon_that_says_no_nonce_decides_once(house: House) -> None:
    """An older build: its second word is refused, for nobody can tell it from the first."""
    lead, name = await asked_for(house)
    captured = decides(lead, name, nonce="")
    assert (await house.post("/v1/decide", captured))[0] == 200
    await lead.decide(name, Verdict.REOPEN)
    status, found = await house.post("/v1/decide", captured)
    assert (status, "update agentspend" in found["error"]["hint"]) == (409, True)
    assert await cap_of(house) == 5 * DOLLAR


async def test_a_reserve_is_not_drawn_by_yesterdays_bytes(house: House) -> None:
    """The window is another, and the message the same: nothing is drawn."""
    anna = await house.joined("anna")
    await house.ask("cap.set", level="org", window="day", cap_nusd=10 * DOLLAR)
    await house.ask("reserve.set", pool="org.day", reserve_nusd=4 * DOLLAR)
    own = anna.certificate
    captured = anna.posted(DrawReserve(own.team, own.device, "n", "org.day", "production is down"))
    assert (await house.post("/v1/draw_reserve", captured))[0] == 200
    house.now[0] += DAY_US
    await anna.sync()
    assert (await house.post("/v1/draw_reserve", captured))[0] == 200
    [shown] = (await house.ask("reserve.list"))["reserves"]
    assert shown["drawn"] is False


async def test_what_was_kept_back_for_long_decides_nothing(house: House) -> None:
    """Bytes that never arrived, or were refused, do not do so days later."""
    lead, name = await asked_for(house)
    own, heard_us = lead.certificate, house.now[0]
    await house.ask("cap.set", level="org", window="day", cap_nusd=10 * DOLLAR)
    await house.ask("reserve.set", pool="org.day", reserve_nusd=4 * DOLLAR)
    drawn = DrawReserve(own.team, own.device, "n", "org.day", "production is down", heard_us)
    late = {"/v1/decide": decides(lead, name, heard_us), "/v1/draw_reserve": lead.posted(drawn)}
    house.now[0] += LATE_US
    for path, captured in late.items():
        status, found = await house.post(path, captured)
        assert (status, "too long ago" in found["error"]["message"]) == (409, True)
    assert await cap_of(house) == 5 * DOLLAR
    assert (await house.post("/v1/decide", decides(lead, name, house.now[0])))[0] == 200


async def test_what_was_ordered_is_remembered_after_a_restore(house: House) -> None:
    """It stands in the journal, as the decision itself does."""
    lead, name = await asked_for(house)
    await house.post("/v1/decide", decides(lead, name))
    journal = house.hall.service.journal
    assert journal is not None
    assert any(getattr(line, "table", "") == "ordered" for _, line in journal.lines())
