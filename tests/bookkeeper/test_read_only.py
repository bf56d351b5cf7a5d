"""A ledger that can only be looked at: status answers, nothing may leave."""

from pathlib import Path

import pytest

from agentspend import db
from agentspend.bookkeeper import snapshot
from agentspend.bookkeeper.outcomes import Held
from agentspend.core.errors import StoreError
from tests.bookkeeper.conftest import budget
from tests.bookkeeper.kept import Kept

USD = 10**9


def _read_only(folder: Path) -> Kept:
    return Kept(
        folder, connect=lambda: db.connect(folder / "ledger.db", read_only=True), read_only=True
    )


async def _spend(folder: Path) -> str:
    async with Kept(folder, budget("daily", "5"), budget("rolling", "9", "5h")) as kept:
        held = await kept.keeper.hold(kept.request())
        assert isinstance(held, Held)
        await kept.settle(held.rid)
        return held.rid


async def test_a_read_only_ledger_tells_and_takes_no_hold(tmp_path: Path) -> None:
    """Budgets, totals and stories are shown; the refusal says why and what to do."""
    rid = await _spend(tmp_path)

    async with _read_only(tmp_path) as kept:
        lines = await kept.keeper.ask(snapshot.budget_lines)
        assert [line["spent_nusd"] for line in lines] == [110_000_000, 110_000_000]
        assert await kept.keeper.ask(snapshot.today_nusd) == 110_000_000
        story = await kept.keeper.ask(lambda books, _: snapshot.why(books, rid))
        assert story["outcome"] == "settled"
        assert kept.keeper.read_only
        for _ in range(2):
            with pytest.raises(StoreError, match="read-only") as refused:
                await kept.keeper.hold(kept.request())
        assert "writable" in refused.value.hint


async def test_it_tells_tomorrow_too(tmp_path: Path) -> None:
    """A window that cannot be opened is worked out, and a rolling one lets go of what is old."""
    await _spend(tmp_path)

    async with _read_only(tmp_path) as kept:
        await kept.pass_time(86_400)
        lines = await kept.keeper.ask(snapshot.budget_lines)

        assert [line["spent_nusd"] for line in lines] == [0, 0]
        assert lines[0]["resets_at"] == "2026-11-27T00:00:00+01:00"
        assert "read-only" in kept.keeper.gate_closed


async def test_nothing_of_a_read_only_ledger_changes(tmp_path: Path) -> None:
    """Open holds are left for the day it can be written; no ballast, no recovery."""
    async with Kept(tmp_path, budget("daily", "5")) as kept:
        await kept.keeper.hold(kept.request())
    (tmp_path / "ballast").unlink()

    async with _read_only(tmp_path) as looking:
        (line,) = await looking.keeper.ask(snapshot.budget_lines)
        assert (line["spent_nusd"], line["held_nusd"]) == (0, 900_000_000)
        with pytest.raises(StoreError):
            await looking.keeper.declare((budget("daily", "1"),), "{}")
    assert not (tmp_path / "ballast").exists()

    async with Kept(tmp_path) as again:
        assert again.keeper.recovered == 1
        assert await again.account("daily") == (900_000_000, 0)
