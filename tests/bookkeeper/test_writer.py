"""The writer's thread: group commit, and what a mistake or a failing disk may take with it."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from unittest import mock

import pytest

from agentspend.bookkeeper import books, writer
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Held, Refused, Waiting
from agentspend.core.admission import RefusalReason
from agentspend.core.errors import StoreError
from agentspend.db import empty_log
from agentspend.store import entries
from agentspend.wire.chain import verify_chain
from tests.bookkeeper.conftest import Desk, budget
from tests.bookkeeper.kept import Kept, settlement

FULL = sqlite3.OperationalError("database or disk is full")


class Trouble:
    """Fails the next statements that start so."""

    def __init__(self) -> None:
        self.left: dict[str, int] = {}

    def __call__(self, sql: str) -> Exception | None:
        for start, left in self.left.items():
            if sql.startswith(start) and left > 0:
                self.left[start] -= 1
                return FULL
        return None


async def _at_once(kept: Kept, *jobs: Callable[[], Any]) -> list[Any]:
    """Ask for several things in one batch, and return what each brought, errors as values."""
    writer = kept.keeper._writer
    waiting, writer._jobs = writer._jobs, SimpleQueue()
    asked = [asyncio.ensure_future(job()) for job in jobs]
    while writer._jobs.qsize() < len(jobs):
        await asyncio.sleep(0)
    held_back, writer._jobs = writer._jobs, waiting
    for _ in jobs:
        waiting.put(held_back.get())
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_a_jobs_own_mistake_undoes_only_itself(tmp_path: Path) -> None:
    """Its writes and events are gone, those of its neighbours in the same commit stay."""
    async with Kept(tmp_path, budget("daily", "5")) as kept:
        held = await kept.keeper.hold(kept.request())

        def wrong(books: Books, at: Any) -> None:
            books.settle(settlement(held.rid, "1"), at)  # type: ignore[union-attr]
            raise ValueError("a mistake of ours")

        commits: list[str] = []
        conn = await kept.keeper.ask(lambda books, _: books.conn)
        conn.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        mistake, settled, other = await _at_once(
            kept,
            lambda: kept.keeper.ask(wrong),
            lambda: kept.settle(held.rid, "0.11"),  # type: ignore[union-attr]
            lambda: kept.keeper.hold(kept.request()),
        )

        await kept.rest()
        assert isinstance(mistake, ValueError)
        assert settled is None
        assert isinstance(other, Held)
        assert [event["amount_nusd"] for event in kept.told("settle")] == [110_000_000]
        assert len(commits) <= 2
        verdict = await kept.keeper.ask(lambda b, _: verify_chain(entries.bodies(b.conn)))
        assert verdict.ok


async def test_a_failed_commit_refuses_holds_and_retries_the_rest(tmp_path: Path) -> None:
    """Closed for spending, open for telling: the settle of the same batch gets through."""
    trouble = Trouble()
    async with Kept(tmp_path, budget("daily", "5"), trouble=trouble) as kept:
        held = await kept.keeper.hold(kept.request())
        trouble.left["COMMIT"] = 1
        refused, settled = await _at_once(
            kept,
            lambda: kept.keeper.hold(kept.request()),
            lambda: kept.settle(held.rid),  # type: ignore[union-attr]
        )

        assert isinstance(refused, StoreError)
        assert "full" in refused.message
        assert settled is None
        assert "full" in kept.keeper.gate_closed
        assert await kept.account("daily") == (110_000_000, 0)
        assert [event.kind for event in kept.events if event.kind != "policy"] == ["hold", "settle"]


async def test_who_stood_in_line_hears_of_a_failed_commit(tmp_path: Path) -> None:
    """Whoever waited, and whoever the lost commit had just served, gets an error, not silence."""
    trouble = Trouble()
    async with Kept(tmp_path, budget("daily", "1"), trouble=trouble) as kept:
        first = await kept.keeper.hold(kept.request("0.50", 16_384))
        second, third = (kept.hold(kept.request("0.50", 16_384)) for _ in range(2))
        await kept.rest()

        trouble.left["COMMIT"] = 1
        await kept.settle(first.rid)  # type: ignore[union-attr]

        for waiting in (second, third):
            with pytest.raises(StoreError, match="cannot be written"):
                await asyncio.wait_for(waiting, 10)
        assert await kept.account("daily") == (110_000_000, 0)


@pytest.mark.parametrize("start", ["BEGIN", "INSERT INTO entry", "COMMIT"])
async def test_a_settle_no_disk_takes_is_noted_and_used_at_the_next_start(
    tmp_path: Path, start: str
) -> None:
    """Wherever it fails, twice: the true cost is in the emergency file and nothing is lost."""
    trouble = Trouble()
    async with Kept(tmp_path, budget("daily", "5"), trouble=trouble) as kept:
        held = await kept.keeper.hold(kept.request())
        trouble.left[start] = 2
        await kept.settle(held.rid)  # type: ignore[union-attr]
        assert (await kept.account("daily"))[1] == 900_000_000

    async with Kept(tmp_path) as again:
        assert again.keeper.recovered == 1
        assert await again.account("daily") == (110_000_000, 0)
        assert not (tmp_path / "emergency.jsonl").exists()


async def test_a_policy_whose_commit_failed_is_not_in_force(tmp_path: Path) -> None:
    """Memory and disk say the same; tried again it gets its entry."""
    trouble = Trouble()
    async with Kept(tmp_path, budget("daily", "5"), trouble=trouble) as kept:
        trouble.left["COMMIT"] = 2
        with pytest.raises(StoreError):
            await kept.keeper.declare((budget("daily", "2"),), "{}")
        assert kept.keeper.budgets == (budget("daily", "5"),)

        trouble.left["COMMIT"] = 1
        await kept.keeper.declare((budget("daily", "1"),), "{}")
        assert kept.keeper.budgets == (budget("daily", "1"),)

    async with Kept(tmp_path) as again:
        assert again.keeper.budgets == (budget("daily", "1"),)


async def test_a_confirmation_whose_commit_failed_still_waits(tmp_path: Path) -> None:
    """What a person agreed to is asked for again, and never lost from the list."""
    trouble = Trouble()
    async with Kept(tmp_path, budget("daily", "5"), trouble=trouble) as kept:
        waits = await kept.keeper.declare((budget("daily", "9"),), "{}")
        texts = [change.text for change in waits]
        trouble.left["COMMIT"] = 2
        with pytest.raises(StoreError):
            await kept.keeper.confirm(texts)
        assert kept.keeper.waits == waits
        assert kept.keeper.budgets == (budget("daily", "5"),)

        await kept.keeper.confirm(texts)
        assert kept.keeper.budgets == (budget("daily", "9"),)


@pytest.mark.parametrize("error", [RuntimeError("x"), MemoryError(), AssertionError(), KeyError()])
async def test_the_thread_survives_any_mistake(tmp_path: Path, error: Exception) -> None:
    """In a job, in waking the line, or while it tells of a failure."""
    async with Kept(tmp_path, budget("daily", "1")) as kept:
        first = await kept.keeper.hold(kept.request("0.50", 16_384))
        waiting = kept.hold(kept.request("0.50", 16_384))
        await kept.rest()
        with mock.patch.object(Books, "wake", side_effect=error):
            await asyncio.gather(kept.rest(), waiting, return_exceptions=True)
        with pytest.raises(type(error)):
            await kept.keeper.ask(mock.Mock(side_effect=error))
        with (
            mock.patch.object(Path, "unlink", side_effect=PermissionError()),
            pytest.raises(StoreError),
        ):
            await kept.keeper.ask(mock.Mock(side_effect=FULL))

        await kept.settle(first.rid)  # type: ignore[union-attr]
        assert await kept.account("daily") == (110_000_000, 0)


def _in_file(ledger: Path) -> int:
    """How many holds stand in the ledger's file itself, whatever its write-ahead log holds."""
    alone = ledger.with_name("alone.db")
    shutil.copy(ledger, alone)
    with closing(sqlite3.connect(f"{alone.as_uri()}?immutable=1", uri=True)) as conn:
        return int(conn.execute("SELECT count(*) FROM hold").fetchone()[0])


@pytest.fixture
def emptied() -> Iterator[threading.Event]:
    """Set when the log was emptied: here each commit fills it, and each moment is a pause."""
    done = threading.Event()

    def empty(conn: sqlite3.Connection) -> None:
        empty_log(conn)
        done.set()

    with (
        mock.patch.multiple(writer, A_LOG_FULL=1, A_PAUSE_S=0.0),
        mock.patch.object(writer, "empty_log", empty),
    ):
        yield done


async def test_a_pause_empties_the_log(tmp_path: Path, emptied: threading.Event) -> None:
    """What was committed stands in the file itself before a commit has to move it there."""
    async with Kept(tmp_path, budget("daily", "50")) as kept:
        await kept.keeper.hold(kept.request())
        emptied.clear()
        await kept.keeper.hold(kept.request())
        assert await asyncio.to_thread(emptied.wait, 30)

        assert _in_file(tmp_path / "ledger.db") >= 1


@pytest.mark.parametrize("error", [FULL, sqlite3.DatabaseError("disk image is malformed")])
async def test_a_log_that_cannot_be_emptied_stops_nobody(
    tmp_path: Path, emptied: threading.Event, error: sqlite3.Error
) -> None:
    """It keeps what it holds, and grows until the disk has room."""
    tried: list[str] = []

    def trouble(sql: str) -> Exception | None:
        if not sql.startswith("PRAGMA wal_checkpoint"):
            return None
        tried.append(sql)
        return error

    async with Kept(tmp_path, budget("daily", "50"), trouble=trouble) as kept:
        assert await asyncio.to_thread(emptied.wait, 30)
        assert isinstance(await kept.keeper.hold(kept.request()), Held)

        assert tried
        assert kept.keeper.gate_closed == ""


async def test_a_thread_that_cannot_open_the_ledger_says_why(tmp_path: Path) -> None:
    """`start` raises what the thread met."""
    kept = Kept(tmp_path, connect=mock.Mock(side_effect=StoreError("the ledger is damaged")))

    with pytest.raises(StoreError, match="damaged"):
        await kept.keeper.start()


def test_a_full_line_refuses_newcomers_and_keeps_who_is_in_it(desk: Desk) -> None:
    """The last place is somebody's: being woken there is no reason to be sent away."""
    desk.adopt(budget("daily", "1"))
    with mock.patch.object(books, "MAX_WAITING", 2):
        held = desk.hold(desk.request("0.50", 16_384))
        inside = [desk.request("0.50", 16_384) for _ in range(2)]
        assert all(isinstance(desk.hold(each), Waiting) for each in inside)

        late = desk.hold(desk.request("0.50", 16_384))
        assert isinstance(late, Refused)
        assert late.reason is RefusalReason.LINE_FULL
        assert desk.woken() == {}

        desk.settle(held.rid, "0.05")  # type: ignore[union-attr]
        assert list(desk.woken()) == [inside[0].rid]
