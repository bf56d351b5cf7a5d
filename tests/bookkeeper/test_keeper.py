"""The async face: answers after the commit, events for listeners, and clean ends."""

import asyncio
from pathlib import Path

import pytest

from agentspend.bookkeeper.outcomes import Held, NeedsCount, Refused
from agentspend.core.admission import RefusalReason
from agentspend.core.errors import AgentspendError, StoreError
from tests.bookkeeper.conftest import budget
from tests.bookkeeper.kept import Kept, settlement

USD = 10**9


async def test_listeners_hear_of_each_commit_in_order(tmp_path: Path) -> None:
    """Policy, hold, shrink, settle: what happened, with its numbers."""
    async with Kept(tmp_path, budget("daily", "5")) as kept:
        held = await kept.keeper.hold(kept.request())
        assert isinstance(held, Held)
        kept.keeper.shrink_soon(held.rid, 450_000_000)
        await kept.settle(held.rid)

    assert [event.kind for event in kept.events] == ["policy", "hold", "shrink", "settle"]
    assert kept.told("hold")[0]["held_nusd"] == held.amount_nusd
    assert kept.told("shrink")[0]["held_nusd"] == 450_000_000
    assert kept.told("settle")[0]["amount_nusd"] == 110_000_000


async def test_a_hold_that_is_cancelled_leaves_the_line(tmp_path: Path) -> None:
    """A client that hangs up while it waits makes room for the next."""
    async with Kept(tmp_path, budget("daily", "1.8")) as kept:
        first = await kept.keeper.hold(kept.request())
        gone, patient = kept.hold(kept.request()), kept.hold(kept.request())
        await kept.rest()

        gone.cancel()
        await asyncio.wait([gone])
        await kept.settle(first.rid)  # type: ignore[union-attr]

        assert isinstance(await patient, Held)
        assert gone.cancelled()
        assert (await kept.account("daily"))[1] == 900_000_000


async def test_a_hold_cancelled_after_it_was_taken_is_released(tmp_path: Path) -> None:
    """Nobody is there to use it, so the money goes back."""
    async with Kept(tmp_path, budget("daily", "5")) as kept:
        asking = kept.hold(kept.request())
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        await kept.rest()

        assert (await kept.account("daily")) == (0, 0)
        assert kept.told("release")[0]["why"].startswith("the client hung up")


async def test_a_waiting_hold_is_served_by_a_settle_and_by_a_shrink(tmp_path: Path) -> None:
    """Both make room, so both wake the line."""
    async with Kept(tmp_path, budget("daily", "1")) as kept:
        first = await kept.keeper.hold(kept.request("0.50", 16_384))
        second = kept.hold(kept.request("0.50", 16_384))
        await kept.rest()
        assert not second.done()

        kept.keeper.shrink_soon(first.rid, 20_000_000)  # type: ignore[union-attr]

        assert isinstance(await second, Held)


async def test_patience_ends_with_a_refusal(tmp_path: Path) -> None:
    """The one who waited `wait_s` hears no, and which budget says it."""
    async with Kept(tmp_path, budget("daily", "1")) as kept:
        await kept.keeper.hold(kept.request("0.50", 16_384))
        second = kept.hold(kept.request("0.50", 16_384))
        await kept.rest()

        await kept.pass_time(20)

        answer = await second
        assert isinstance(answer, Refused)
        assert (answer.reason, answer.budget) == (RefusalReason.WAITED, "daily")


async def test_a_known_conversation_is_counted_before_it_is_refused(tmp_path: Path) -> None:
    """A count could still tighten its bound, so it is asked to come again; its place is kept."""
    async with Kept(tmp_path, budget("daily", "1")) as kept:
        await kept.keeper.hold(kept.request("0.50", 16_384))
        second = kept.hold(kept.request("0.50", 16_384, countable=True))
        await kept.rest()

        await kept.pass_time(20)

        assert isinstance(await second, NeedsCount)


async def test_stopping_finishes_what_is_queued(tmp_path: Path) -> None:
    """Every settlement asked for before the end is on disk after it."""
    async with Kept(tmp_path, budget("daily", "100")) as kept:
        held = [await kept.keeper.hold(kept.request("0.01", 100)) for _ in range(40)]
        settling = [
            asyncio.get_running_loop().create_task(kept.settle(each.rid))
            for each in held  # type: ignore[union-attr]
        ]
        await asyncio.sleep(0)
        await kept.keeper.stop()
        await asyncio.gather(*settling)

    again = Kept(tmp_path)
    async with again:
        assert again.keeper.recovered == 0
        entries = await again.keeper.ask(
            lambda books, _: books.conn.execute(
                "SELECT count(*) FROM entry WHERE kind = 'settle'"
            ).fetchone()
        )
        assert entries == (40,)


async def test_a_stopped_bookkeeper_says_so(tmp_path: Path) -> None:
    """Nothing hangs on a thread that has ended."""
    async with Kept(tmp_path) as kept:
        pass

    with pytest.raises(StoreError, match="stopping") as raised:
        await kept.keeper.hold(kept.request())
    assert raised.value.hint.startswith("agentspend daemon start ")


async def test_a_second_settle_is_an_error_for_whoever_asks(tmp_path: Path) -> None:
    """And the ledger has one charge."""
    async with Kept(tmp_path, budget("daily", "5")) as kept:
        held = await kept.keeper.hold(kept.request())
        await kept.settle(held.rid)  # type: ignore[union-attr]

        with pytest.raises(StoreError, match="already settled"):
            await kept.keeper.settle(settlement(held.rid, "3"))  # type: ignore[union-attr]

        assert await kept.account("daily") == (110_000_000, 0)


async def test_budgets_and_settings_by_the_async_face(tmp_path: Path) -> None:
    """Declare, confirm, set one: each answers with what is in force after its commit."""
    async with Kept(tmp_path, budget("daily", "1")) as kept:
        keeper = kept.keeper
        waits = await keeper.declare((budget("daily", "9"),), '{"prices":{"x":1}}')
        assert [change.budget for change in waits] == ["daily", ""]
        with pytest.raises(AgentspendError):
            await keeper.confirm(["something else"])
        await keeper.set_one("daily", budget("daily", "9"))
        assert keeper.budgets == (budget("daily", "9"),)
        assert [change.budget for change in keeper.waits] == [""]
        await keeper.set_settings('{"prices":{"x":1}}')
        assert (keeper.settings, keeper.waits) == ('{"prices":{"x":1}}', ())
