"""A developer at the cap asks, a lead answers, and the money is there at once."""

import pytest
from sqlalchemy.exc import SQLAlchemyError

from agentspend.core.allowance.messages import RaiseRequest, Want
from agentspend.core.errors import AgentspendError
from sync_server.store.people import LEADS
from tests.sync_server.house import DOLLAR, Device, House, said

DAY_US = 86_400_000_000


async def at_the_cap(house: House) -> tuple[Device]:
    """A device that has taken all there is."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=500 * DOLLAR)
    device = await house.joined()
    await house.ask("cap.set", level="team", name="backend", window="day", cap_nusd=5 * DOLLAR)
    await device.sync(Want("team.backend.day", need_nusd=5 * DOLLAR))
    return (device,)


async def test_an_approved_raise_is_there_at_once_and_for_one_window(house: House) -> None:
    """Asked without naming a cap it is the tightest one; tomorrow the cap is as before."""
    (device,) = await at_the_cap(house)
    status, asked = await device.request(20 * DOLLAR)
    assert (status, asked["status"]) == (200, "open")
    listed = (await house.ask("request.list"))["requests"]
    assert [(each["pool"], each["member"], each["reason"]) for each in listed] == [
        ("team.backend.day", "anna", "a large migration")
    ]
    async with device.listening() as line:
        done = await house.ask("request.approve", request=asked["id"])
        assert await said(line) == "sync"
    assert (done["cap_nusd"], done["also_short"]) == (25 * DOLLAR, [])
    answer = await device.sync(Want("team.backend.day", need_nusd=8 * DOLLAR))
    assert answer.accounts[0].granted_nusd >= 8 * DOLLAR
    assert {pool["id"]: pool["cap_nusd"] for pool in device.policy["pools"]}[
        "team.backend.day"
    ] == 25 * DOLLAR
    house.now[0] += DAY_US
    caps = {each["pool"]: each["cap_nusd"] for each in (await house.ask("cap.list"))["caps"]}
    assert caps["team.backend.day"] == 5 * DOLLAR


async def test_a_question_is_one_question(house: House) -> None:
    """However often it arrives; once answered, it says how."""
    (device,) = await at_the_cap(house)
    first = (await device.request(DOLLAR))[1]
    assert (await device.request(DOLLAR))[1] == first
    assert len((await house.ask("request.list"))["requests"]) == 1
    await house.ask("request.refuse", request=first["id"])
    assert (await device.request(DOLLAR))[1]["status"] == "refused"
    status, found = await house.try_to("request.approve", request=first["id"])
    assert (status, "was refused by first lead" in found["error"]["message"]) == (409, True)
    assert (await house.ask("request.list"))["requests"] == []
    assert len((await house.ask("request.list", all=True))["requests"]) == 1


async def test_leads_hear_of_a_question_once(house: House) -> None:
    """A daemon asks again every few seconds; a word to the leads costs each of them a report."""
    (device,) = await at_the_cap(house)
    told: list[frozenset[str]] = []
    house.hall.tell_others = lambda teams, _: told.append(teams)
    for _ in range(3):
        assert (await device.request(DOLLAR))[0] == 200
    assert told == [frozenset({LEADS})]
    await device.request(DOLLAR, nonce="n_2")
    assert len(told) == 2


async def test_leads_hear_of_a_question_though_the_first_word_was_lost(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ended, or broke, between the note and the push: asked again, it tells them."""
    (device,) = await at_the_cap(house)
    told: list[frozenset[str]] = []
    tell = house.hall.tell

    async def ends(_: frozenset[str]) -> None:
        raise AgentspendError("the server ends", "")

    monkeypatch.setattr(house.hall, "tell", ends)
    assert (await device.request(DOLLAR))[0] == 409
    monkeypatch.setattr(house.hall, "tell", tell)
    assert len((await house.ask("request.list"))["requests"]) == 1
    house.hall.tell_others = lambda teams, _: told.append(teams)
    for _ in range(3):
        assert (await device.request(DOLLAR))[1]["status"] == "open"
    assert told == [frozenset({LEADS})]


async def test_a_decision_stands_though_nobody_elsewhere_can_be_told(house: House) -> None:
    """Whoever listens here hears of it; the answer is that of a decision that was made."""
    (device,) = await at_the_cap(house)
    _, asked = await device.request(20 * DOLLAR)

    def broken(*_: object) -> None:
        raise SQLAlchemyError

    house.hall.tell_others = broken
    async with device.listening() as line:
        assert (await house.ask("request.approve", request=asked["id"]))["status"] == "approved"
        assert await said(line) == "sync"
    assert (await device.request(20 * DOLLAR))[1]["status"] == "approved"
    assert 'event="lost"' in (await house.get("/metrics", house.token))[1]


async def test_a_question_ends_with_its_window(house: House) -> None:
    """It is no longer listed, counted or approved; one that is asked every day can be for ever."""
    (device,) = await at_the_cap(house)
    for day in range(23):
        status, asked = await device.request(DOLLAR, "team.backend.day", nonce=f"day {day}")
        assert (status, asked["status"]) == (200, "open")
        house.now[0] += DAY_US
    _, again = await device.request(DOLLAR, "team.backend.day", nonce="day 22")
    assert (again["id"], again["status"]) == (asked["id"], "over")
    assert (await house.ask("request.list"))["requests"] == []
    assert len((await house.ask("request.list", all=True))["requests"]) == 23
    status, found = await house.try_to("request.approve", request=asked["id"])
    assert (status, "that is over" in found["error"]["message"]) == (409, True)
    caps = {each["pool"]: each["cap_nusd"] for each in (await house.ask("cap.list"))["caps"]}
    assert caps["team.backend.day"] == 5 * DOLLAR
    assert (await house.ask("request.refuse", request=asked["id"]))["status"] == "refused"


async def test_a_reason_holds_nothing_that_a_terminal_obeys(house: House) -> None:
    """Leads read it on their screens; an agent may have written it."""
    (device,) = await at_the_cap(house)
    own = device.certificate
    ask = RaiseRequest(own.team, own.device, "n_1", "", DOLLAR, "\x1b]52;c;cm0=\x07 please")
    assert (await house.post("/v1/request", device.posted(ask)))[0] == 200
    (listed,) = (await house.ask("request.list"))["requests"]
    assert listed["reason"] == "?]52;c;cm0=? please"
    await house.ask("reserve.set", pool="org.month", reserve_nusd=DOLLAR)
    assert (await device.draw_reserve("org.month", "\x1b[2Jfire"))[0] == 200
    (reserve,) = (await house.ask("reserve.list"))["reserves"]
    assert reserve["why"] == "?[2Jfire"


async def test_what_cannot_be_asked(house: House) -> None:
    """Another's cap, nothing, and too many questions at once."""
    (device,) = await at_the_cap(house)
    assert (await device.request(DOLLAR, "team.data.day"))[0] == 409
    assert (await device.request(0))[0] == 409
    found = [await device.request(DOLLAR, nonce=f"n{n}") for n in range(21)]
    assert [status for status, _ in found] == [200] * 20 + [409]


async def test_the_lead_hears_what_else_is_short(house: House) -> None:
    """Raising a team's cap is no use when the organisation's is spent."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=6 * DOLLAR)
    device = await house.joined()
    await house.ask("cap.set", level="team", name="backend", window="day", cap_nusd=5 * DOLLAR)
    _, asked = await device.request(20 * DOLLAR, "team.backend.day")
    done = await house.ask("request.approve", request=asked["id"], amount_nusd=10 * DOLLAR)
    assert (done["also_short"], done["amount_nusd"]) == (["org.month"], 10 * DOLLAR)


async def test_a_member_sees_the_members_own(house: House) -> None:
    """Not what others ask for."""
    (device,) = await at_the_cap(house)
    await device.request(DOLLAR)
    await house.joined("ben", "data")
    for member, count in (("anna", 1), ("ben", 0)):
        token = (await house.ask("token.create", name=member, member=member))["token"]
        assert len((await house.ask("request.list", token))["requests"]) == count


async def test_an_answer_is_not_taken_back_in_another_window(house: House) -> None:
    """Its raise went with the window; taking it back would lower what was raised since."""
    (device,) = await at_the_cap(house)
    name = "team.backend.day"
    asked = [(await device.request(DOLLAR, name, nonce=f"n_{each}"))[1]["id"] for each in range(2)]
    ends_us = {each["pool"]: each["ends_us"] for each in (await house.ask("cap.list"))["caps"]}
    house.now[0] = ends_us[name] - 60_000_000
    await house.ask("request.approve", request=asked[0])
    await house.ask("request.refuse", request=asked[1])
    house.now[0] += 120_000_000
    _, later = await device.request(20 * DOLLAR, name, nonce="n_9")
    await house.ask("request.approve", request=later["id"])
    for each in asked:
        status, found = await house.try_to("request.reopen", request=each)
        assert (status, "in a window that is over" in found["error"]["message"]) == (409, True)
    caps = {each["pool"]: each["cap_nusd"] for each in (await house.ask("cap.list"))["caps"]}
    assert caps[name] == 25 * DOLLAR


async def test_a_raise_is_told_to_everybody_it_is_for(house: House) -> None:
    """Also who did not ask, in another team: they may be refused for the same cap just now. So is
    one that is taken back: what is too much is asked back from whoever has it."""
    anna, ben = await house.joined("anna", "backend"), await house.joined("ben", "data")
    await house.ask("cap.set", level="org", window="month", cap_nusd=DOLLAR)
    await ben.sync()
    _, found = await anna.request(DOLLAR, "org.month")
    async with ben.listening() as line:
        for act in ("request.approve", "request.reopen"):
            await house.ask(act, request=found["id"])
            assert await said(line) == "sync"


@pytest.mark.parametrize("gone", ["device", "member", "cap", "team"])
async def test_nobody_waits_for_what_brings_them_nothing_any_more(house: House, gone: str) -> None:
    """It was listed and approved: more for everybody, for the sake of who is not there; or a cap
    that is none was said to be higher."""
    (device,) = await at_the_cap(house)
    lead = await house.joined("lea", "leads")
    await house.ask("member.set_role", member="lea", role="lead")
    _, asked = await device.request(20 * DOLLAR)
    if gone == "device":
        await house.ask("device.revoke", device=device.certificate.device)
    elif gone == "member":
        await house.ask("member.revoke", member="anna")
    elif gone == "cap":
        await house.ask("cap.set", level="team", name="backend", window="day", cap_nusd=None)
        assert (await device.request(20 * DOLLAR))[1]["status"] == "over"
    else:
        await house.ask("member.move", member="anna", team="leads")
    if gone != "team":
        assert (await house.ask("request.list"))["requests"] == []
        assert (await lead.look()).questions == ()
    status, found = await house.try_to("request.approve", request=asked["id"])
    assert status == 409
    assert "nobody waits" in found["error"]["message"]
    await house.ask("request.refuse", request=asked["id"])
    [line] = (await house.ask("request.list", all=True))["requests"]
    assert line["status"] == "refused"
