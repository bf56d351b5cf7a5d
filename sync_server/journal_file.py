"""The journal on disk, beside the database or better on another volume [D4].

One line for each decision: its number and its text, fsynced before anybody is answered. Lines that
are decided together count together: all but the last say that more follows (`more`). The file
is locked for as long as a server lives, so a second server cannot decide anything. On PostgreSQL
there is no such file: the database's own replication does this work.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from agentspend.core.errors import AgentspendError
from agentspend.wire.canonical import NotCanonical, canonical, parse
from sync_server.allowance.journal import Line, read_line, write_line

KEPT = 64
"""How many batches are remembered for taking back; only the last can ever be."""
LOCK_TRIES = 10
LOCK_AGAIN_S = 0.2
"""A command in the folder has it for a moment only, so a server that starts waits for that."""


class JournalBroken(AgentspendError):
    """The journal cannot be written: nothing may be decided."""


class JournalFile:
    """Open for appending, by this server alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._lock()
        except OSError as error:
            os.close(self._handle)
            raise AgentspendError(
                f"another server writes the journal {path}",
                "stop it first: only one server may decide",
            ) from error
        self._cut_torn_lines()
        self._tail: list[tuple[int, int]] = []
        self._base = os.fstat(self._handle).st_size

    def _lock(self) -> None:
        """Raises `OSError` where somebody keeps it for longer than a command takes."""
        for _ in range(LOCK_TRIES):
            with suppress(OSError):
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(LOCK_AGAIN_S)
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._handle)

    def append(self, after_seq: int, lines: Sequence[Line]) -> None:
        """Write lines numbered from `after_seq` on, and wait until they are on disk.

        Lines of a transaction that failed after they were written are cut off first: nobody was
        answered by them, and their numbers are given again.
        """
        if not lines:
            return
        self._cut_after(after_seq)
        last = after_seq + len(lines)
        text = b"".join(
            canonical(
                {"seq": seq, "line": write_line(line), **({"more": True} if seq < last else {})}
            )
            + b"\n"
            for seq, line in enumerate(lines, after_seq + 1)
        )
        size = os.fstat(self._handle).st_size
        try:
            if os.write(self._handle, text) != len(text):
                raise OSError("no space is left")
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, size)
            raise JournalBroken(
                f"the journal {self._path} could not be written: {error}",
                "nothing is decided until it can be; make room and try again",
            ) from error
        self._tail.append((last, size + len(text)))
        while len(self._tail) > KEPT:
            self._base = self._tail.pop(0)[1]

    def lines(self, after_seq: int = 0) -> Iterator[tuple[int, Line]]:
        """The lines that follow a number, in order. Of those before it only their own number is
        looked at, so that years of them cost a start little."""
        with self._path.open("rb") as file:
            for number, row in enumerate(file, 1):
                if number <= after_seq:
                    if not row.endswith(b'"seq":%d}\n' % number):
                        raise self._damaged(f"line {number} has another number")
                    continue
                try:
                    value = parse(row.rstrip(b"\n"))
                    line = read_line(value["line"])
                    if value["seq"] != number:
                        raise NotCanonical(f"line {number} is numbered {value['seq']}")
                except (NotCanonical, KeyError, TypeError) as error:
                    raise self._damaged(str(error)) from error
                yield number, line

    def _damaged(self, why: str) -> AgentspendError:
        return AgentspendError(
            f"the journal {self._path} is damaged: {why}",
            "restore it from its own copy: without it no cap is safe",
        )

    def length(self) -> int:
        """How many lines there are."""
        with self._path.open("rb") as file:
            return sum(1 for _ in file)

    def _cut_after(self, seq: int) -> None:
        """Take back what this process wrote beyond a number and its database did not keep."""
        stale = [end for number, end in self._tail if number > seq]
        if stale:
            self._tail = [(number, end) for number, end in self._tail if number <= seq]
            os.ftruncate(self._handle, self._tail[-1][1] if self._tail else self._base)

    def _cut_torn_lines(self) -> None:
        """A line without its end was never answered: the power went. Nor were those that lack the
        rest of what was decided with them; a part of it alone would be another decision."""
        text = self._path.read_bytes()
        whole = text.rfind(b"\n") + 1
        while whole:
            start = text.rfind(b"\n", 0, whole - 1) + 1
            if not _more_follows(text[start:whole]):
                break
            whole = start
        if whole != len(text):
            os.ftruncate(self._handle, whole)
            os.fsync(self._handle)


def _more_follows(row: bytes) -> bool:
    """Whether a line says that what was decided goes on in the next. Lines of older servers say
    nothing; one that cannot be read is told of by whoever reads it."""
    try:
        value = parse(row.rstrip(b"\n"))
    except NotCanonical:
        return False
    return isinstance(value, dict) and value.get("more") is True
