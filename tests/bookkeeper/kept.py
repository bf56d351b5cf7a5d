"""A bookkeeper with its thread on a real file, and connections that fail when they are told to."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from agentspend.bookkeeper import Bookkeeper, Ledger
from agentspend.bookkeeper.outcomes import Event, HoldRequest, Moment, Settlement
from agentspend.core.budgets import Budget
from agentspend.core.money import parse_usd
from agentspend.core.usage import Billing
from agentspend.store.ledger_file import open_ledger
from tests.bookkeeper.conftest import NOON, bound, hold_request

Trouble = Callable[[str], Exception | None]


class Faulty:
    """A connection that raises what `trouble` says about a statement, before it is run."""

    def __init__(self, real: sqlite3.Connection, trouble: Trouble) -> None:
        self._real = real
        self._trouble = trouble

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Run it, unless there is trouble; a COMMIT that fails has been rolled back."""
        error = self._trouble(sql)
        if error is None:
            return self._real.execute(sql, *values)
        if sql == "COMMIT":
            self._real.execute("ROLLBACK")
        raise error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Kept:
    """`async with Kept(folder) as kept`: the async face, a clock moved by hand, all events."""

    def __init__(
        self,
        folder: Path,
        *budgets: Budget,
        trouble: Trouble | None = None,
        connect: Callable[[], Any] | None = None,
        read_only: bool = False,
    ) -> None:
        real, _ = open_ledger(folder / "ledger.db")
        opened = connect or real
        self.folder = folder
        self.budgets = budgets
        self.at = Moment(NOON, 0)
        self.events: list[Event] = []
        self.count = 0
        self.connect: Any = (lambda: Faulty(opened(), trouble)) if trouble else opened
        ledger = Ledger(
            self.connect, folder, "i_test", ZoneInfo("Europe/Berlin"), {"device": "d"}, read_only
        )
        self.keeper = Bookkeeper(ledger, lambda: self.at)

    async def __aenter__(self) -> Self:
        await self.keeper.start()
        self.keeper.on_commit(self.events.extend)
        if self.budgets:
            await self.keeper.declare(self.budgets, "{}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.keeper.stop()

    async def pass_time(self, seconds: float) -> None:
        """Move both clocks, and let the writer see it."""
        step = int(seconds * 1_000_000)
        self.at = Moment(self.at.wall_us + step, self.at.mono_us + step)
        await self.rest()

    async def rest(self) -> None:
        """Until everything asked so far is done and told."""
        await self.keeper.ask(lambda *_: None)

    def request(self, input_usd: str = "0.10", output: int = 32_000, **more: Any) -> HoldRequest:
        """A request that arrives now."""
        self.count += 1
        return hold_request(
            f"r_{self.count:04d}", bound(input_usd), output, arrived_us=self.at.mono_us, **more
        )

    def hold(self, request: HoldRequest) -> "asyncio.Task[Any]":
        """Ask for a hold, without waiting for the answer."""
        return asyncio.get_running_loop().create_task(self.keeper.hold(request))

    async def settle(self, rid: str, usd: str = "0.11") -> None:
        """The provider said what it cost."""
        await self.keeper.settle(settlement(rid, usd))

    async def account(self, name: str) -> tuple[int, int]:
        """(spent, held) of a budget's newest account."""
        sql = "SELECT spent_nusd, held_nusd FROM account WHERE budget = ? ORDER BY id DESC"
        row = await self.keeper.ask(lambda books, _: books.conn.execute(sql, (name,)).fetchone())
        return row[0], row[1]

    def told(self, kind: str) -> list[Any]:
        """The events of a kind."""
        return [event.fields for event in self.events if event.kind == kind]


def settlement(rid: str, usd: str = "0.11") -> Settlement:
    """An exact charge."""
    return Settlement(rid, parse_usd(usd), Billing.EXACT, "provider_usage", {"usage": {}})
