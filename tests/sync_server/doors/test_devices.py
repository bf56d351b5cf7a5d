"""Devices over real HTTPS: they join, report, are told of changes, and are refused alike."""

import asyncio

import msgspec
import pytest

from agentspend.core.allowance.messages import Lacking, Status, Want
from agentspend.wire.invite import write_code
from tests.sync_server.house import DOLLAR, Device, House, said


async def test_a_device_joins_and_gets_its_allowance(house: House) -> None:
    """Certificate, policy and ticket at once; rights with the first report."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    device = await house.joined()
    assert [pool["id"] for pool in device.policy["pools"]] == ["org.month"]
    assert device.policy["pools"][0]["cap_nusd"] == 100 * DOLLAR
    answer = await device.sync(Want("org.month", need_nusd=3 * DOLLAR))
    assert answer.accounts[0].granted_nusd >= 3 * DOLLAR
    assert answer.policy == device.policy["version"]


async def test_what_one_needs_is_asked_back_from_another(house: House) -> None:
    """At once, by a push: the one returns what it does not need, the other gets it."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
    rich, poor = await house.joined("anna"), await house.joined("ben")
    answer = await rich.sync(Want("org.month", need_nusd=15 * DOLLAR))
    assert answer.accounts[0].granted_nusd == 15 * DOLLAR
    need = Want("org.month", need_nusd=9 * DOLLAR)
    async with rich.listening() as line:
        answer = await poor.sync(need)
        assert answer.accounts[0].lacking is Lacking.COMING
        assert await said(line) == "sync"
        answer = await rich.sync(Want("org.month"))
        kept = answer.accounts[0].keep_nusd
        assert kept is not None
        place = (answer.accounts[0].pool, answer.accounts[0].window)
        rich.chain.add("return", [(*place, 15 * DOLLAR - kept)])
        await rich.sync(Want("org.month"))
    answer = await poor.sync(need)
    assert answer.accounts[0].granted_nusd >= 9 * DOLLAR
    assert answer.accounts[0].lacking is Lacking.NOTHING


async def test_who_lacks_little_is_helped_by_who_has_little(house: House) -> None:
    """What counts is what is lacking beside what lies there already, not all that is needed."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=1_000 * DOLLAR)
    little, much = await house.joined("anna"), await house.joined("ben")
    has_nusd = (await little.sync(Want("org.month"))).accounts[0].granted_nusd
    assert 0 < has_nusd <= 10 * DOLLAR
    async with little.listening() as line:
        answer = await much.sync(Want("org.month", need_nusd=995 * DOLLAR))
        assert answer.accounts[0].granted_nusd == 1_000 * DOLLAR - has_nusd
        assert answer.accounts[0].lacking is Lacking.COMING
        assert await said(line) == "sync"


async def test_nobody_is_asked_back_for_what_nobody_has(house: House) -> None:
    """It is dry, and the answer says so."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=DOLLAR)
    device = await house.joined()
    answer = await device.sync(Want("org.month", need_nusd=9 * DOLLAR))
    assert answer.accounts[0].lacking is Lacking.DRY


async def test_the_policy_comes_when_it_is_another(house: House) -> None:
    """Not with every answer."""
    device = await house.joined()
    before = device.policy
    await device.sync()
    assert device.policy is before
    await house.ask("cap.set", level="team", name="backend", window="day", cap_nusd=DOLLAR)
    await device.sync()
    assert device.policy["version"] == before["version"] + 1
    assert device.policy["pools"][0]["level"] == "team"


async def test_a_change_is_pushed_to_whom_it_concerns(house: House) -> None:
    """The team whose cap was set hears of it, another does not."""
    anna = await house.joined("anna", "backend")
    ben = await house.joined("ben", "data")
    async with anna.listening() as to_anna, ben.listening() as to_ben:
        await house.ask("cap.set", level="team", name="backend", window="day", cap_nusd=DOLLAR)
        assert await said(to_anna) == "sync"
        await house.ask("freeze")
        assert await said(to_anna) == "sync"
        assert await said(to_ben) == "sync"
        assert not to_ben.at_eof()
    assert (await house.ask("cap.list"))["caps"][0]["cap_nusd"] == DOLLAR


async def test_a_frozen_team_gets_nothing(house: House) -> None:
    """Neither a policy that lets it spend, nor rights."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    device = await house.joined()
    await house.ask("freeze", team="backend")
    answer = await device.sync(Want("org.month", need_nusd=DOLLAR))
    assert (device.policy["frozen"], answer.accounts) == (True, ())
    await house.ask("unfreeze", team="backend")
    answer = await device.sync(Want("org.month", need_nusd=DOLLAR))
    assert device.policy["frozen"] is False
    assert answer.accounts[0].granted_nusd >= DOLLAR


async def test_a_ledger_in_doubt_is_begun_anew(house: House) -> None:
    """The same question gets the same answer."""
    device = await house.joined()
    first = await device.hello("n_7")
    assert (await device.hello("n_7")).inc == first.inc


async def test_refusals_look_alike(house: House) -> None:
    """An unknown device, a wrong key, a message that was changed: 403 and the same words."""
    device = await house.joined()
    stranger = Device(house, bytes(32))
    good = device.posted(device.report())
    cases = [
        stranger.posted(device.report()),
        device.posted(device.report(device="d_none")),
        {**good, "body": good["body"].replace('"server_seq":0', '"server_seq":1')},
    ]
    answers = [await house.post("/v1/sync", case) for case in cases]
    assert {status for status, _ in answers} == {403}
    assert len({found["error"]["message"] for _, found in answers}) == 1
    for path in ("hello", "request"):
        assert (await house.post(f"/v1/{path}", good))[0] == 403


async def test_wrong_codes_look_alike_and_are_slowed_down(house: House) -> None:
    """Unknown, used and mistyped: 404 and the same words; then 429."""
    line = (await house.joined(), await house.ask("invite", member="anna"))[1]["join"]
    code = line.split()[4].partition(".")[0]
    device = Device(house, bytes(32))
    assert (await device.enrol(code))[0] == 200
    other = Device(house, bytes(range(32)))
    tried = [code, write_code(bytes(16)), "ASPD-0000"]
    answers = [await other.enrol(each) for each in tried]
    assert {status for status, _ in answers} == {404}
    assert len({str(found) for _, found in answers}) == 1
    assert [(await other.enrol("x"))[0] for _ in range(3)] == [404, 404, 429]


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'{"body":1,"signature":""}', b'{"body":"{}","signature":"zz"}',
     b'{"body":"{}","signature":"00"}', b"\xff"],
    ids=str,
)  # fmt: skip
async def test_what_cannot_be_read_is_a_400(house: House, raw: bytes) -> None:
    """With our own words, on every route."""
    for path in ("/v1/sync", "/v1/hello", "/v1/enrol", "/v1/request"):
        status, found = await house.post(path, raw)
        assert status in (400, 403)
        assert found["error"]["message"]


async def test_large_bodies_and_fast_devices_are_stopped(house: House) -> None:
    """413 above 1 MiB; 429 with the time to wait after sixty messages at once."""
    assert (await house.post("/v1/sync", b"x" * (1 << 20 | 1)))[0] == 413
    device = await house.joined()
    posted = msgspec.json.encode(device.posted(device.report()))
    statuses = [(await house.post("/v1/sync", posted))[0] for _ in range(61)]
    assert (statuses[0], statuses[-1]) == (200, 429)


async def test_looking_on_leaves_reports_their_pace(house: House) -> None:
    """Who watches the team or asks for more can still report and be granted."""
    device = await house.joined()
    statuses = [(await device.request(0, nonce=f"n_{number}"))[0] for number in range(61)]
    assert (statuses[0], statuses[-1]) == (409, 429)
    assert (await device.sync()).status is Status.ACTIVE


async def test_a_ticket_opens_a_line_for_ten_minutes(house: House) -> None:
    """None, a made-up one and an old one open nothing."""
    device = await house.joined()
    for ticket in ("", "d_1~9999999999~00", device.ticket[:-1]):
        assert (await house.get(f"/v1/push?ticket={ticket}"))[0] == 403
    async with device.listening() as one, device.listening():
        await house.ask("freeze")
        assert await said(one) == "sync"
    house.now[0] += 601_000_000
    assert (await house.get(f"/v1/push?ticket={device.ticket}"))[0] == 403


async def test_lines_end_with_the_server_and_are_not_kept_without_end(house: House) -> None:
    """A device's oldest line gives way to a fifth."""
    device = await house.joined()
    async with device.listening() as oldest:
        lines = [device.listening() for _ in range(4)]
        opened = [await line.__aenter__() for line in lines]
        assert await oldest.read() == b""
        house.hall.close()
        assert await asyncio.gather(*(line.read() for line in opened)) == [b""] * 4
        for line in lines:
            await line.__aexit__(None, None, None)


async def test_the_leads_hear_of_a_server_that_was_put_back(house: House) -> None:
    """A device knows of decisions that the server does not: once a day it stands in the audit
    chain. Who says so gets nothing, and keeps nobody else from anything."""
    device, other = await house.joined(), await house.joined("ben")
    await house.ask("cap.set", level="org", window="month", cap_nusd=9 * DOLLAR)
    want = Want("org.month", need_nusd=DOLLAR)
    for _ in range(3):
        answer = await device.sync(want, server_seq=9_999)
        assert [told.granted_nusd for told in answer.accounts] == [0]
    acts = [each for each in (await house.ask("audit"))["acts"] if each["what"] == "server.behind"]
    assert [(each["device"], each["heard_seq"]) for each in acts] == [
        (device.certificate.device, 9_999)
    ]
    assert acts[0]["our_seq"] < 9_999
    assert (await other.sync(want)).accounts[0].granted_nusd >= DOLLAR
    await device.sync(want)
    assert len((await house.ask("audit"))["acts"]) == acts[0]["seq"]


async def test_a_report_while_all_is_frozen_is_kept_as_it_was_signed(house: House) -> None:
    """Nothing of what it wants is granted; `verify` finds its device's signature all the same."""
    device = await house.joined()
    await house.ask("cap.set", level="org", window="month", cap_nusd=9 * DOLLAR)
    for what in ({"team": "backend"}, {}):
        await house.ask("freeze", **what)
        device.chain.add("settle", (), DOLLAR // 100, counted="billed")
        answer = await device.sync(Want("org.month", need_nusd=DOLLAR))
        assert all(told.granted_nusd == 0 for told in answer.accounts)
        assert (await house.ask("verify"))["faults"] == []
        await house.ask("unfreeze", **what)
