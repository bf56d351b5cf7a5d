"""What rides with what: a settle waits for the next hold, and for nobody who waits for money."""

import asyncio
from pathlib import Path

from agentspend.bookkeeper.outcomes import Held
from tests.bookkeeper.conftest import budget
from tests.bookkeeper.kept import Kept


async def commits(kept: Kept) -> list[str]:
    """Notes every commit from here on."""
    found: list[str] = []
    conn = await kept.keeper.ask(lambda books, _: books.conn)
    conn.set_trace_callback(lambda sql: found.append(sql) if sql == "COMMIT" else None)
    return found


async def test_a_settle_is_committed_with_the_next_hold(tmp_path: Path) -> None:
    """One write of the disk for both, and both are on it before the hold is answered."""
    async with Kept(tmp_path, budget("daily", "5")) as kept:
        held = await kept.keeper.hold(kept.request())
        assert isinstance(held, Held)
        written = await commits(kept)
        settling = asyncio.ensure_future(kept.settle(held.rid))
        await asyncio.sleep(0)
        await kept.keeper.hold(kept.request())
        told = [event.kind for event in kept.events[-2:]]
        await settling

        assert len(written) == 1
        assert told == ["settle", "hold"]


async def test_a_settle_without_company_is_written_by_itself(tmp_path: Path) -> None:
    """Nobody comes: it ends all the same."""
    async with Kept(tmp_path, budget("daily", "5")) as kept:
        held = await kept.keeper.hold(kept.request())
        assert isinstance(held, Held)
        await asyncio.wait_for(kept.settle(held.rid), 10)

        assert await kept.account("daily") == (110_000_000, 0)


async def test_whoever_waits_for_money_gets_it_without_delay(tmp_path: Path) -> None:
    """With somebody in line a settle goes to the writer at once."""
    async with Kept(tmp_path, budget("daily", "1")) as kept:
        first = await kept.keeper.hold(kept.request("0.50", 16_384))
        assert isinstance(first, Held)
        second = kept.hold(kept.request("0.50", 16_384))
        await kept.rest()
        assert not second.done()
        settling = asyncio.ensure_future(kept.settle(first.rid))
        await asyncio.sleep(0)

        assert kept.keeper._company._waiting == []
        assert isinstance(await asyncio.wait_for(second, 10), Held)
        await settling


async def test_what_waits_is_written_before_the_ledger_closes(tmp_path: Path) -> None:
    """Stopping loses no settle."""
    async with Kept(tmp_path, budget("daily", "5")) as kept:
        held = await kept.keeper.hold(kept.request())
        assert isinstance(held, Held)
        settling = asyncio.ensure_future(kept.settle(held.rid))
        await asyncio.sleep(0)
    await settling

    async with Kept(tmp_path) as again:
        assert again.keeper.recovered == 0
        assert await again.account("daily") == (110_000_000, 0)
