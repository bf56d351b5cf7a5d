"""A server that was put back hears once more of ledgers that a device has left behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentspend.core.allowance.messages import Status
from agentspend.store import team
from sync_server.store import cases, tables
from tests.support.desk import Device
from tests.sync.door import LARGE, SECRET, USD, Door
from tests.sync.test_pump import KEY, Member, enrolled
from tests.sync_server.office import ACT, NOON_US


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """A team server with a cap of $10 a month."""
    (tmp_path / "server").mkdir()
    made = Door(tmp_path / "server")
    await made.server.start_server()
    yield made
    await made.server.close()
    made.office.close()


@pytest.fixture
async def ana(tmp_path: Path, door: Door) -> AsyncIterator[Member]:
    """A device in the team."""
    (tmp_path / "ana").mkdir()
    async with Device(tmp_path / "ana") as device:
        member = await enrolled(door, device, "ana", KEY, SECRET)
        yield member
        await member.client.close()


async def spend(ana: Member, count: int) -> None:
    """So many requests of a tenth of a cent, reported."""
    for _ in range(count):
        await ana.settle(await ana.hold("0.001"), USD // 1_000)
    await ana.pump.talk()


async def begin_anew(ana: Member) -> str:
    """The ledger is found elsewhere; answers the one that is left behind."""
    left = str(await ana.ask(lambda books: books.team.standing.inc))
    await ana.ask(lambda books: books.team.opened_at(f"not where {left} was"))
    await ana.pump.talk()
    return left


def kept(door: Door, inc: str) -> int:
    """How many entries of a ledger the server has."""
    return sum(row.inc == inc for row in door.office.rows(tables.entries))


async def test_what_it_had_of_every_ledger_it_has_again(door: Door, ana: Member) -> None:
    """Also of more than fits in one report, with what was spent there; and once is enough."""
    await spend(ana, 3)
    door.office.backup()
    object.__setattr__(door.office.service, "sizing", LARGE)
    await spend(ana, 250)
    first = await begin_anew(ana)
    await spend(ana, 4)
    second = await begin_anew(ana)
    had = {inc: kept(door, inc) for inc in (first, second)}
    assert had[first] > 250

    door.office.restore()
    assert kept(door, first) < 10
    door.office.service.take_over(ACT, NOON_US)
    await ana.pump.talk()

    assert {inc: kept(door, inc) for inc in had} == had
    with door.office.service.engine.begin() as conn:
        case = cases.Loaded(conn, "o_1", first).case
        assert sum(each.used_nusd for each in case.accounts.values()) == 253 * USD // 1_000
        assert case.incarnation is not None
        assert case.incarnation.status is Status.SUPERSEDED
    asked = door.asked
    await ana.pump.talk()
    assert door.asked == asked + 1


async def test_what_was_never_told_of_a_ledger_in_doubt_is_not_told(
    door: Door, ana: Member
) -> None:
    """It may be another's, who goes on from there."""
    await spend(ana, 2)
    await ana.settle(await ana.hold("0.01"), USD // 100)
    left = await begin_anew(ana)
    count = kept(door, left)
    held = await ana.ask(lambda books: len(team.after(books.conn, left, 0, 99)))
    assert held == count + 1
    door.office.service.take_over(ACT, NOON_US)
    await ana.pump.talk()
    assert kept(door, left) == count
