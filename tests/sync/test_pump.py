"""The device and a real team server: allowance in, signed reports out, and no waiting in vain."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from agentspend.bookkeeper.membership import Membership
from agentspend.bookkeeper.outcomes import Held, HoldAnswer, Refused, Settlement
from agentspend.bookkeeper.team import Team
from agentspend.core.allowance import dryness
from agentspend.core.allowance.accounts import Place
from agentspend.core.allowance.messages import Enrol, Status
from agentspend.core.scopes import Payer
from agentspend.core.usage import Billing
from agentspend.sync import pace
from agentspend.sync.client import TeamClient, Unreachable
from agentspend.sync.pump import Pump
from agentspend.wire import signing
from agentspend.wire.invite import write_code
from sync_server.allowance.journal import Ranked
from sync_server.store import cases
from sync_server.store.tables import orgs
from tests.bookkeeper.conftest import bound, hold_request
from tests.support.desk import Device
from tests.sync.door import SECRET, USD, Door
from tests.sync_server.office import ACT

KEY = bytes(range(2, 34))


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """A team server with a cap of $10 a month."""
    (tmp_path / "server").mkdir()
    made = Door(tmp_path / "server")
    await made.server.start_server()
    yield made
    await made.server.close()
    made.office.close()


class Member:
    """One enrolled device."""

    def __init__(self, device: Device, pump: Pump, name: str, client: TeamClient) -> None:
        self.device, self.pump, self.name, self.client = device, pump, name, client
        self.count = 0

    async def ask(self, work: Callable[[Any], Any]) -> Any:
        """Look at the books."""
        return await self.device.bookkeeper.ask(lambda books, _: work(books))

    async def hold(
        self, usd: str, *, wait_s: int = 20, comfort: int = 1, floor: int = 1
    ) -> HoldAnswer:
        """One request of this bound, and so many tokens of $25 a million beside it."""
        self.count += 1
        at = self.device.desk.now()
        request = hold_request(
            f"r_{self.name}_{self.count}", bound(usd), comfort, comfort=comfort, floor=floor,
            payer=Payer(session="s"), arrived_us=at.mono_us, wait_s=wait_s,
        )  # fmt: skip
        return await self.device.bookkeeper.hold(request)

    async def settle(self, held: HoldAnswer, nusd: int) -> None:
        """The provider's bill for it."""
        assert isinstance(held, Held)
        done = Settlement(held.rid, nusd, Billing.EXACT, "provider_usage", {"usage": {}})
        await self.device.bookkeeper.settle(done)

    async def line(self) -> dict[str, Any]:
        """The pool as this device sees it."""
        found = await self.ask(lambda books: books.team.lines())
        return dict(found[0])


async def enrolled(door: Door, device: Device, name: str, key: bytes, code: bytes) -> Member:
    """Join with an invite, and talk once."""
    door.office.invite(code, "anna", 2**52)
    client = TeamClient(door.url, "", key)
    asked = Enrol(write_code(code), name, f"n_{name}", signing.public_key(key).hex())
    found, heard = await client.enrol(asked)
    member = Membership(
        door.url, found.team, found.device, found.member, found.role, found.server_key
    )

    async def adopted(_: dict[str, Any]) -> None:
        pass

    def join(books: Any, at: Any) -> None:
        books.team.join(member, found.inc, f"disk of {name}", books.now(at))
        books.team.adopt(heard.policy)

    await device.bookkeeper.ask(join)
    pump = Pump(device.bookkeeper, client, "00", adopted)
    device.bookkeeper.on_commit(pump.on_commit)
    await pump.talk()
    return Member(device, pump, name, client)


@pytest.fixture
async def ana(tmp_path: Path, door: Door) -> AsyncIterator[Member]:
    """A device in the team."""
    (tmp_path / "ana").mkdir()
    async with Device(tmp_path / "ana") as device:
        member = await enrolled(door, device, "ana", KEY, SECRET)
        yield member
        await member.client.close()


async def test_a_member_spends_what_it_was_granted_and_the_server_hears_of_it(
    door: Door, ana: Member
) -> None:
    """Granted at the first talk; used on both sides alike after the next."""
    assert (await ana.line())["ours_nusd"] > 0
    held = await ana.hold("0.50")
    await ana.settle(held, USD // 4)
    await ana.pump.talk()

    assert (await ana.line())["spent_nusd"] == USD // 4
    inc, place = await ana.ask(
        lambda books: (books.team.standing.inc,
                       Place("org", books.team.standing.windows["org"]))
    )  # fmt: skip
    with door.office.service.engine.begin() as conn:
        kept = cases.Loaded(conn, "o_1", inc).case.accounts[place]
    assert kept.used_nusd == USD // 4


async def test_a_request_that_lacks_allowance_has_it_fetched_once(door: Door, ana: Member) -> None:
    """It waits, the pump is woken, more is granted, it is served."""
    asyncio.get_running_loop().create_task(ana.pump.run())
    free = (await ana.line())["free_nusd"]
    held = await asyncio.wait_for(ana.hold(f"{(free + USD) / USD:.2f}"), 30)
    assert isinstance(held, Held)


@pytest.mark.parametrize("statuses", [[], [403], [500]])
async def test_a_line_that_opens_is_a_reason_to_talk(
    door: Door, ana: Member, monkeypatch: pytest.MonkeyPatch, statuses: list[int]
) -> None:
    """What was pushed before is lost; a ticket that is too old is replaced by talking."""
    monkeypatch.setattr(pace, "FIRST_AGAIN_S", 0.01)
    door.lines = list(statuses)
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(ana.pump.run()), loop.create_task(ana.pump.listen())]
    while door.asked_before is None or door.asked == door.asked_before:
        door.talked.clear()
        await asyncio.wait_for(door.talked.wait(), 30)
    assert door.lines == []
    for task in tasks:
        task.cancel()


async def test_nobody_waits_for_what_the_server_has_not_got(door: Door, ana: Member) -> None:
    """More than the cap: refused as soon as the server has answered, naming the pool."""
    asyncio.get_running_loop().create_task(ana.pump.run())
    refused = await asyncio.wait_for(ana.hold("11.00"), 30)
    assert isinstance(refused, Refused)
    assert refused.budget == "team:org"


async def test_what_did_not_help_is_given_back_soon(door: Door, ana: Member) -> None:
    """It does not lie there until another asks for it: the device may be asleep by then."""
    task = asyncio.get_running_loop().create_task(ana.pump.run())
    assert isinstance(await asyncio.wait_for(ana.hold("11.00"), 30), Refused)
    while door.office.state().available_nusd < 6 * USD:
        await asyncio.sleep(0.02)
    task.cancel()


async def test_a_raise_nobody_told_us_of_is_found_by_asking(
    door: Door, ana: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line breaks, a lead raises the cap, the pool was dry: whoever comes next is served."""
    monkeypatch.setattr(dryness, "UNHEARD_US", 0)
    monkeypatch.setattr(pace, "FIRST_AGAIN_S", 3_600.0)
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(ana.pump.run()), loop.create_task(ana.pump.listen())]
    while not await listens(ana):
        await asyncio.sleep(0.01)
    await ana.settle(await asyncio.wait_for(ana.hold("9.90"), 30), 10 * USD)
    assert isinstance(await asyncio.wait_for(ana.hold("5.00"), 30), Refused)
    door.raise_cap(20 * USD)
    assert isinstance(await asyncio.wait_for(ana.hold("5.00"), 30), Refused)
    door.cut.set()
    while await listens(ana):
        await asyncio.sleep(0.01)
    assert isinstance(await asyncio.wait_for(ana.hold("5.00"), 30), Held)
    for task in tasks:
        task.cancel()


async def listens(member: Member) -> bool:
    """Whether a line to the server is open, as the books know it."""
    return bool(await member.ask(lambda books: books.team._dryness.listens))


async def test_a_device_cut_off_works_on_what_it_has(door: Door, ana: Member) -> None:
    """Then it refuses at once: waiting would bring nothing. Nothing it did is lost."""
    door.down = True
    with pytest.raises(Unreachable):
        await ana.pump.talk()
    task = asyncio.get_running_loop().create_task(ana.pump.run())
    held = await ana.hold("0.50")
    await ana.settle(held, USD // 10)
    refused = await asyncio.wait_for(ana.hold("9.00"), 30)
    assert isinstance(refused, Refused)
    assert await ana.ask(lambda books: books.team.queued) > 0

    task.cancel()
    door.down = False
    await ana.pump.talk()
    assert await ana.ask(lambda books: books.team.queued) == 0


async def test_what_lies_unused_on_another_device_is_waited_for(
    tmp_path: Path, door: Door, ana: Member
) -> None:
    """It is said to be coming, and asked for again when the other has given it back."""
    await ana.settle(await asked_for(ana, "8.00"), 0)
    (tmp_path / "bo").mkdir()
    async with Device(tmp_path / "bo") as device:
        bo = await enrolled(door, device, "bo", bytes(range(3, 35)), bytes(range(1, 17)))
        task = asyncio.get_running_loop().create_task(bo.pump.run())
        waiting = asyncio.get_running_loop().create_task(bo.hold("5.00"))
        before = door.asked
        while door.asked < before + 2:
            await asyncio.sleep(0.01)
        assert not waiting.done()
        await ana.pump.talk()
        assert isinstance(await asyncio.wait_for(waiting, 30), Held)
        task.cancel()
        await bo.client.close()


async def test_the_least_is_had_from_another_device_where_there_is_not_enough_for_comfort(
    tmp_path: Path, door: Door, ana: Member
) -> None:
    """$11.00 are more than the cap: the server is asked for the $9.50 that will do."""
    await ana.settle(await asked_for(ana, "8.00"), 0)
    (tmp_path / "bo").mkdir()
    async with Device(tmp_path / "bo") as device:
        bo = await enrolled(door, device, "bo", bytes(range(3, 35)), bytes(range(1, 17)))
        task = asyncio.get_running_loop().create_task(bo.pump.run())
        hold = bo.hold("9.00", comfort=80_000, floor=20_000)
        waiting = asyncio.get_running_loop().create_task(hold)
        while not waiting.done():
            await ana.pump.talk()
            await asyncio.sleep(0.05)
        held = waiting.result()
        assert isinstance(held, Held)
        assert held.output_tokens < 80_000
        task.cancel()
        await bo.client.close()


async def asked_for(member: Member, usd: str) -> HoldAnswer:
    """A hold for which allowance is fetched first."""
    task = asyncio.get_running_loop().create_task(member.pump.run())
    held = await asyncio.wait_for(member.hold(usd), 30)
    task.cancel()
    return held


async def test_two_devices_never_pass_the_cap_together(
    tmp_path: Path, door: Door, ana: Member
) -> None:
    """Whatever each asks for, in parallel: the sum of what was spent is within the cap."""
    (tmp_path / "bo").mkdir()
    async with Device(tmp_path / "bo") as device:
        bo = await enrolled(door, device, "bo", bytes(range(3, 35)), bytes(range(1, 17)))
        tasks = [asyncio.get_running_loop().create_task(each.pump.run()) for each in (ana, bo)]

        async def work(member: Member) -> int:
            spent = 0
            for _ in range(12):
                held = await member.hold("0.70", wait_s=2)
                if isinstance(held, Held):
                    await member.settle(held, held.amount_nusd)
                    spent += held.amount_nusd
            return spent

        spent = await asyncio.wait_for(asyncio.gather(work(ana), work(bo)), 120)
        for task in tasks:
            task.cancel()
        await bo.client.close()
    assert 8 * USD < sum(spent) <= 10 * USD


async def test_a_server_that_was_taken_over_changes_no_rule(door: Door, ana: Member) -> None:
    """Nor does an answer that was overtaken: their policy may know no cap. A newer server's holds,
    whatever its number."""

    async def caps() -> int:
        return len(await ana.ask(lambda books: books.team.policy.pools))

    newest = {**door.policy, "version": 7}
    door.policy = newest
    await ana.pump.talk()
    number = door.office.service.take_over(ACT, 0)
    await ana.pump.talk()
    now_is(door, server_inc=1, policy=3)
    door.policy = {**newest, "version": 3, "pools": []}
    await ana.pump.talk()
    assert await caps() == 1
    now_is(door, server_inc=number, journal_seq=2, policy=3)
    await ana.pump.talk()
    assert await caps() == 1
    now_is(door, server_inc=number + 1, journal_seq=2, policy=3)
    await ana.pump.talk()
    assert await caps() == 0


def now_is(door: Door, **words: int) -> None:
    """Make the server another one: an older copy, or a newer one with less behind it."""
    with door.office.service.engine.begin() as conn:
        conn.execute(update(orgs).values(words))


async def test_a_full_disk_does_not_end_the_conversation(
    door: Door, ana: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered cannot be kept for a while; then the device talks on as before."""
    monkeypatch.setattr(pace, "FIRST_AGAIN_S", 0.01)
    heard, full = Team.heard, iter([True, True])  # it is tried twice

    def hear(*words: Any) -> bool:
        if next(full, False):
            raise sqlite3.OperationalError("database or disk is full")
        return heard(*words)

    monkeypatch.setattr(Team, "heard", hear)
    before = door.asked
    task = asyncio.get_running_loop().create_task(ana.pump.run())
    while door.asked < before + 2:
        door.talked.clear()
        await asyncio.wait_for(door.talked.wait(), 30)
    while ana.pump.failed:
        await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()


async def test_a_copied_ledger_starts_anew_with_nothing(door: Door, ana: Member) -> None:
    """Doubt, a hello, a new incarnation; the old one's allowance stays committed."""
    granted = (await ana.line())["ours_nusd"]
    await ana.ask(lambda books: books.team.opened_at("another disk"))
    assert (await ana.line())["free_nusd"] == 0
    await ana.pump.talk()
    line = await ana.line()
    assert (line["spent_nusd"], await ana.ask(lambda books: books.team.state)) == (0, "active")
    assert 0 < line["ours_nusd"] <= 10 * USD - granted


async def test_who_leaves_gives_back_what_lies_free(door: Door, ana: Member) -> None:
    """Every account is closed and reported: nothing stays committed but what was spent."""
    await ana.settle(await ana.hold("0.50"), USD // 4)
    await ana.device.bookkeeper.ask(lambda books, at: books.team.retire(books.now(at)))
    assert await ana.ask(lambda books: books.team.lines()) == []
    assert not (await ana.ask(lambda books: books.team.left_to_tell)).is_over
    await ana.pump.talk()
    assert (await ana.ask(lambda books: books.team.left_to_tell)).is_over
    state = door.office.state()
    assert (state.committed_nusd, state.outstanding_nusd) == (USD // 4, 0)


async def test_who_was_written_off_reports_and_begins_anew_if_it_may(
    door: Door, ana: Member
) -> None:
    """Its ledger alone was: it gets another. Its device was: it is told so, and still reports."""
    inc = await ana.ask(lambda books: books.team.standing.inc)
    door.office.service.decide([Ranked(inc, Status.LOST)], ACT, 0)
    await ana.pump.talk()
    await ana.pump.talk()
    again = await ana.ask(lambda books: books.team.standing.inc)
    assert (again != inc, await ana.ask(lambda books: books.team.state)) == (True, "active")
    device = await ana.ask(lambda books: books.team.membership.device)
    held = await ana.hold("0.50")
    door.office.expel(Status.LOST, device)
    await ana.pump.talk()
    await ana.settle(held, USD // 4)
    for _ in range(3):
        await ana.pump.talk()
    assert await ana.ask(lambda books: books.team.state) == "retiring"
    assert await ana.ask(lambda books: books.team.queued) == 0


async def test_a_freeze_stops_everything(door: Door, ana: Member) -> None:
    """Also what allowance would still cover."""
    door.policy = {**door.policy, "version": 2, "frozen": True}
    await ana.pump.talk()
    refused = await asyncio.wait_for(ana.hold("0.01"), 30)
    assert isinstance(refused, Refused)
    assert refused.budget == "team:frozen.t_1"
