"""The async face of the writer's thread.

It announces commits to whoever asked (`on_commit`) without knowing who listens.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from typing import Any, TypeVar

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.company import Company
from agentspend.bookkeeper.gate import Gate
from agentspend.bookkeeper.included import note_included
from agentspend.bookkeeper.opening import Ledger, open_books
from agentspend.bookkeeper.outcomes import Event, HoldAnswer, HoldRequest, Moment, Settlement
from agentspend.bookkeeper.recovery import note_emergency, read_emergency, settle_noted
from agentspend.bookkeeper.writer import Hooks, Job, Writer
from agentspend.core.budgets import Budget
from agentspend.core.errors import Kind, StoreError
from agentspend.core.included import IncludedWindow
from agentspend.core.policy import PendingChange

T = TypeVar("T")
NEXT = "agentspend daemon start    starts the next one as soon as this one has ended"


def clock() -> Moment:
    """The machine's clocks: the one place the bookkeeper reads them."""
    return Moment(time.time_ns() // 1_000, time.monotonic_ns() // 1_000)


class Bookkeeper:
    """Hold, shrink, settle and release from the event loop; each returns after its commit."""

    def __init__(self, ledger: Ledger, now: Callable[[], Moment] = clock) -> None:
        self._ledger = ledger
        self._now = now
        self._listeners: list[Callable[[list[Event]], None]] = []
        self._gate = Gate(ledger.folder, read_only=ledger.read_only)
        self._stopped = False
        self.recovered = 0

    async def start(self) -> None:
        """Open the ledger, settle what a crash left open, and begin to serve."""
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(
            Hooks(
                now=self._now,
                open_books=self._open_books,
                tell=self._hop,
                store_failed=self._gate.close,
            )
        )
        self._company = Company(self._writer.submit)
        self._writer.start()
        await asyncio.to_thread(self._writer.opened.wait)
        if self._writer.open_error is not None:
            raise self._writer.open_error

    async def stop(self) -> None:
        """Finish what is queued and close the ledger."""
        self._stopped = True
        self._company.leave()
        self._writer.stop()
        await asyncio.to_thread(self._writer.join)

    def on_commit(self, listener: Callable[[list[Event]], None]) -> None:
        """Call `listener` on the event loop with what each commit changed."""
        self._listeners.append(listener)

    @property
    def read_only(self) -> bool:
        """Whether the ledger can only be looked at."""
        return self._ledger.read_only

    @property
    def gate_closed(self) -> str:
        """Why no new hold is taken ("" when the gate is open)."""
        return self._gate.closed

    def look_at_gate(self) -> None:
        """Open the gate where what closed it is mended (looked at once a second at most), so that
        who asks is not told of yesterday's full disk. Call it on the event loop.

        What only the emergency file took is settled then, so that nothing stays held; the file
        itself goes at the next start, when the ledger has all of it.
        """
        if not self._gate.closed or not self._gate.opens():
            return
        file = self._gate.emergency
        if file.exists():
            self._submit(
                "settle", lambda books, at: settle_noted(books, at, read_emergency(file))
            ).add_done_callback(_noticed)

    async def hold(self, request: HoldRequest) -> HoldAnswer:
        """Take a request through the ladder; waits in line where that can help.

        A caller that is cancelled leaves the line, and a hold it no longer wants is released.
        Raises `StoreError` when the ledger takes no new holds.
        """
        self.look_at_gate()
        if self._gate.closed:
            raise self._gate.refusal()
        self._company.asking += 1
        try:
            answer: HoldAnswer = await self._submit(
                "hold", lambda books, at: books.hold(request, at), request.rid
            )
        except asyncio.CancelledError:
            with suppress(StoreError):
                self._submit(
                    "release", lambda books, at: _abandon(books, request.rid, at)
                ).add_done_callback(_noticed)
            raise
        finally:
            self._company.asking -= 1
        return answer

    async def settle(self, settlement: Settlement) -> None:
        """End a hold in a charge. If the disk will not take it, it goes to the emergency file.

        If that takes nothing either, the hold stays open and recovery charges it in full.
        """
        try:
            await self._submit("settle", lambda books, at: books.settle(settlement, at))
        except StoreError:
            if not self._gate.closed:
                raise
            with suppress(OSError):
                await asyncio.to_thread(note_emergency, self._gate.emergency, settlement)

    def shrink_soon(self, rid: str, amount_nusd: int) -> None:
        """Lower a hold to its exact input and the remaining output bound, with the next commit."""
        future = self._submit("shrink", lambda books, _: books.shrink(rid, amount_nusd))
        future.add_done_callback(_noticed)

    def included_soon(
        self, windows: Sequence[IncludedWindow], gone: Sequence[tuple[str, str, str, str]]
    ) -> None:
        """Remember, with the next commit, what a provider said of a subscription's windows."""
        future = self._submit("ask", lambda books, _: note_included(books, windows, gone))
        future.add_done_callback(_noticed)

    async def declare(
        self, budgets: tuple[Budget, ...], settings: str
    ) -> tuple[PendingChange, ...]:
        """Adopt what tightens of a configuration; returns what waits for a person."""
        return await self.ask(lambda _, at: self._adoption.declare(budgets, settings, at))

    async def declare_repositories(
        self, declared: Mapping[str, tuple[Budget, ...]]
    ) -> tuple[PendingChange, ...]:
        """Adopt what tightens of repositories' files, by source; returns what of it waits."""
        return await self.ask(lambda _, at: self._adoption.declare_repositories(declared, at))

    async def forget(self, name: str) -> None:
        """A person removed a repository's budget by command."""
        await self.ask(lambda _, at: self._adoption.forget(name, at))

    async def confirm(self, agreed: Sequence[str]) -> tuple[PendingChange, ...]:
        """A person agrees to the changes with these texts; returns them."""
        return await self.ask(lambda _, at: self._adoption.confirm(agreed, at))

    async def set_one(self, name: str, expected: Budget | None) -> None:
        """A person set one budget by command: adopt it as the configuration declares it."""
        await self.ask(lambda _, at: self._adoption.set_one(name, expected, at))

    async def set_settings(self, expected: str) -> None:
        """A person changed prices, providers or network by command: adopt them."""
        await self.ask(lambda _, at: self._adoption.set_settings(expected, at))

    @property
    def zone(self) -> tzinfo:
        """The zone of the calendar windows."""
        return self._books.rooms.zone

    @property
    def settings(self) -> str | None:
        """The adopted settings as JSON; None before anything was adopted."""
        return self._adoption.settings

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """The budgets in force."""
        return self._adoption.budgets

    @property
    def waits(self) -> tuple[PendingChange, ...]:
        """Declared changes that are not in force yet."""
        return self._adoption.waits

    async def release(self, rid: str, why: str, story: Mapping[str, object]) -> None:
        """End a hold that cost nothing. If the disk will not take it, recovery charges it."""
        with suppress(StoreError):
            await self._submit("release", lambda books, at: books.release(rid, why, at, story))

    async def note_refused(
        self, rid: str, session: str, story: Mapping[str, object], outcome: str = "refused"
    ) -> None:
        """Keep the story of a request that was "refused" before it was priced, or "slowed"."""
        if not self.read_only:
            await self.ask(
                lambda books, at: books.note_refused(rid, session, story, books.now(at), outcome)
            )

    async def ask(self, work: Callable[[Books, Moment], T]) -> T:
        """Run a look at the books, or a change of policy, on the writer's thread.

        Looks must stay short (≤ 5 ms): pages, never whole ledgers.
        """
        answer: T = await self._submit("ask", work)
        return answer

    def _submit(
        self, kind: str, work: Callable[[Books, Moment], Any], rid: str = ""
    ) -> "asyncio.Future[Any]":
        if self._stopped:
            raise StoreError("the daemon is stopping", NEXT, Kind.STOPPING)
        future: asyncio.Future[Any] = self._loop.create_future()

        def deliver(result: Any, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self._company.submit(Job(kind, work, deliver, rid))
        return future

    def _hop(self, answers: list[Callable[[], None]], events: list[Event]) -> None:
        """From the writer's thread to the loop; a closed loop has nobody left to tell."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._told, answers, events)

    def _told(self, answers: list[Callable[[], None]], events: list[Event]) -> None:
        for answer in answers:
            answer()
        if events:
            for listener in self._listeners:
                listener(events)

    def _open_books(self, at: Moment) -> Books:
        """On the writer's thread."""
        self._books, self._adoption, self.recovered = open_books(self._ledger, self._gate, at)
        return self._books


def _noticed(future: "asyncio.Future[Any]") -> None:
    """A shrink that failed only leaves more money held until the settle."""
    if not future.cancelled():
        future.exception()


def _abandon(books: Books, rid: str, at: Moment) -> None:
    """The caller is gone: leave the line, and give back a hold that was taken meanwhile."""
    books.leave(rid)
    books.release(rid, "the client hung up before anything was sent", at, {})
