"""The writer thread: one connection, `BEGIN IMMEDIATE`, and as many changes a commit as wait.

Nothing is answered before its commit returned. A change that fails alone is rolled back alone; a
failed commit fails the whole batch, closes the gate for new holds and tries the rest one by one
(protocol study §4.5: closed for spending, open for telling).
"""

import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from agentspend import faults
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Event, Moment, Waiting
from agentspend.core.errors import StoreError
from agentspend.core.limits import MAX_BATCH
from agentspend.db import empty_log

A_LOG_FULL = 32
"""So many commits are worth moving from the write-ahead log to the file: some 400 pages of the
1,000 at which SQLite lets a commit do it, and whoever waits for that one."""
A_PAUSE_S = 0.05
"""A pause so long may be followed by a longer one: agents think for seconds."""
Deliver = Callable[[Any, BaseException | None], None]


class Job(msgspec.Struct):
    """One change or look at the books. `kind` names it: hold, shrink, settle, release, ask."""

    kind: str
    work: Callable[[Books, Moment], Any]
    deliver: Deliver
    rid: str = ""
    result: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the writer needs from outside; all are called on its thread.

    `tell` hands out the answers of a commit, then what it changed.
    """

    now: Callable[[], Moment]
    open_books: Callable[[Moment], Books]
    tell: Callable[[list[Callable[[], None]], list[Event]], None]
    store_failed: Callable[[Exception], None]


class Writer(threading.Thread):
    """Owns the books. `submit` may be called from any thread."""

    def __init__(self, hooks: Hooks) -> None:
        super().__init__(name="agentspend-bookkeeper", daemon=True)
        self._hooks = hooks
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._parked: dict[str, Deliver] = {}
        self._in_log = 0
        self.opened: threading.Event = threading.Event()
        self.open_error: BaseException | None = None

    def submit(self, job: Job) -> None:
        """Queue one job; its answer comes through `deliver`, after the commit."""
        self._jobs.put(job)

    def stop(self) -> None:
        """Finish what is queued and close the connection."""
        self._jobs.put(None)

    def run(self) -> None:
        """Open the books, then serve until stopped."""
        try:
            books = self._hooks.open_books(self._hooks.now())
        except BaseException as error:  # noqa: BLE001 - handed to whoever started the thread
            self.open_error = error
            self.opened.set()
            return
        self.opened.set()
        try:
            while (batch := self._next_batch(books)) is not None:
                self._serve(books, batch)
        finally:
            books.conn.close()

    def _next_batch(self, books: Books) -> list[Job] | None:
        """All that waits, at most `MAX_BATCH`; [] when someone's patience ended; None to stop."""
        try:
            job = self._next_job(books)
        except queue.Empty:
            return []
        batch: list[Job] = []
        while job is not None:
            batch.append(job)
            if len(batch) == MAX_BATCH:
                return batch
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._jobs.put(None)
            return batch
        return None

    def _next_job(self, books: Books) -> Job | None:
        """Wait for one; `queue.Empty` when someone's patience ends first. A pause is used to empty
        the write-ahead log, so that no commit has to."""
        deadline_us = books.line.deadline_us()
        if deadline_us is not None:
            patience_us = max(0, deadline_us - self._hooks.now().mono_us)
            return self._jobs.get(timeout=patience_us / 1_000_000)
        if self._in_log >= A_LOG_FULL:
            with suppress(queue.Empty):
                return self._jobs.get(timeout=A_PAUSE_S)
            self._in_log = 0
            empty_log(books.conn)
        return self._jobs.get()

    def _serve(self, books: Books, batch: list[Job]) -> None:
        at = self._hooks.now()
        try:
            self._commit(books, batch, at)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the thread
            self._after_failure(books, batch, at, error)
            return
        self._deliver(books, batch)

    def _commit(self, books: Books, batch: list[Job], at: Moment) -> None:
        """Run a batch in one transaction; any error of the disk rolls all of it back.

        A job's own mistake is rare, so that each job gets a savepoint of its own only in a second
        try, after one was made.
        """
        try:
            self._write(books, batch, at, apart=False)
        except _Mistake:
            self._write(books, batch, at, apart=True)

    def _write(self, books: Books, batch: list[Job], at: Moment, *, apart: bool) -> None:
        """One try. Raises `_Mistake` for a job that failed, unless each is kept `apart`."""
        conn = books.conn
        told = len(books.events)
        books.undo.clear()
        conn.execute("BEGIN IMMEDIATE")
        try:
            for job in batch:
                if apart:
                    self._run_apart(books, job, at)
                else:
                    _run(books, job, at)
            if len(books.line):
                books.wake(at)
            for kind in {job.kind for job in batch}:
                faults.reach(f"{kind}.before_commit")
            conn.execute("COMMIT")
            self._in_log += 1
        except Exception as error:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            if isinstance(error, _Mistake):
                books.rolled_back(events=told)
            raise
        for kind in {job.kind for job in batch}:
            faults.reach(f"{kind}.after_commit")

    def _run_apart(self, books: Books, job: Job, at: Moment) -> None:
        """Run one job; its own mistakes undo only itself."""
        events, undo = len(books.events), len(books.undo)
        books.conn.execute("SAVEPOINT job")
        try:
            _run(books, job, at)
        except _Mistake as mistake:
            books.conn.execute("ROLLBACK TO job")
            books.rolled_back(events=events, undo=undo)
            job.error = mistake.__cause__
        books.conn.execute("RELEASE job")

    def _deliver(self, books: Books, batch: list[Job]) -> None:
        """Hand out answers and announce events, in one hop to the event loop."""
        answers: list[Callable[[], None]] = []
        for job in batch:
            if isinstance(job.result, Waiting) and job.error is None:
                self._parked[job.rid] = job.deliver
            else:
                answers.append(_answer(job.deliver, job.result, job.error))
        for rid, result in books.woken:
            deliver = self._parked.pop(rid, None)
            if deliver is not None:
                answers.append(_answer(deliver, result, None))
        books.woken.clear()
        self._forget_gone(books)
        events, books.events = books.events, []
        if answers or events:
            self._hooks.tell(answers, events)

    def _forget_gone(self, books: Books) -> None:
        """Drop the answers nobody waits for: their clients left the line."""
        if len(self._parked) > len(books.line):
            waiting = {request.rid for request in books.line}
            for rid in self._parked.keys() - waiting:
                del self._parked[rid]

    def _after_failure(self, books: Books, batch: list[Job], at: Moment, error: Exception) -> None:
        """Refuse new holds, send the line away, and try everything else one by one.

        Who was woken by the failed commit has left the line and must hear of it too.
        """
        books.rolled_back()
        books.woken.clear()
        books.line.clear()
        self._hooks.store_failed(error)
        failure = StoreError(f"the ledger cannot be written: {error}", "free some disk space")
        answers = [_answer(deliver, None, failure) for deliver in self._parked.values()]
        self._parked.clear()
        for job in batch:
            job.result, job.error = None, failure
            told = len(books.events)
            if job.kind != "hold":
                try:
                    self._commit(books, [job], at)
                except Exception:  # noqa: BLE001 - the next job may still be written
                    books.rolled_back(events=told)
                    job.error = failure
            answers.append(_answer(job.deliver, job.result, job.error))
        events, books.events = books.events, []
        self._hooks.tell(answers, events)


class _Mistake(Exception):
    """A job failed, not the disk; the job's error is the cause."""


def _run(books: Books, job: Job, at: Moment) -> None:
    """Run one job inside the transaction."""
    job.error = None
    try:
        job.result = job.work(books, at)
    except sqlite3.OperationalError:
        raise
    except Exception as error:
        raise _Mistake from error


def _answer(deliver: Deliver, result: Any, error: BaseException | None) -> Callable[[], None]:
    return lambda: deliver(result, error)
