"""Sessions across restarts: who was let in stands in the ledger's database, tokens as hashes.

A daemon that died and was started again lets a running agent's requests in at once; its `run`
hands the provider key over again when it reconnects.
"""

from pathlib import Path

import msgspec
import psutil

from agentspend.bookkeeper import Bookkeeper
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Event, Moment
from agentspend.core.scopes import Payer
from agentspend.git import Head
from agentspend.proxy.sessions import Session, Sessions, token_hash
from agentspend.store import sessions as store
from agentspend.store.sessions import SessionRow

# The kernel's time of a process's start follows corrections of the clock.
SAME_BIRTH_US = 5_000_000


class Roster:
    """Opens and closes sessions, in memory and in the ledger's database."""

    def __init__(self, live: Sessions, bookkeeper: Bookkeeper) -> None:
        self._live = live
        self._bookkeeper = bookkeeper

    async def load(self) -> bool:
        """Let in the sessions whose `run` is still alive, and end the others; True if any is."""
        rows = await self._bookkeeper.ask(lambda books, _: store.all_open(books.conn))
        for row in rows:
            kept = msgspec.json.decode(row.body)
            if _still_runs(kept["pid"], kept.get("born_us", 0)):
                self._live.restore(row.token_hash, _session(row, kept))
            else:
                await self.close(row.id)
        return bool(self._live.all())

    async def open(self, session: Session) -> None:
        """Let a session in, on disk first."""
        who = {"payer": session.payer.known(), "auth": dict(session.auth)}
        head = str(session.head.path) if session.head else ""
        run = {"pid": session.pid, "born_us": _born_us(session.pid), "head": head}
        body = msgspec.json.encode({**who, **run})
        row = SessionRow(session.id, token_hash(session.token), body, session.opened_us)
        await self._bookkeeper.ask(lambda books, _: store.put(books.conn, row))
        self._live.open(session)

    async def close(self, session_id: str) -> None:
        """End a session."""
        self._live.close(session_id)
        await self._bookkeeper.ask(lambda books, at: _end(books, at, session_id))


def _still_runs(pid: int, born_us: int) -> bool:
    """Whether this process is the one that opened the session, not a later one of its number.

    After a reboot a person's own shell may have it: nobody may take that for an agent.
    """
    found_us = _born_us(pid)
    return found_us > 0 and abs(found_us - born_us) < SAME_BIRTH_US


def _born_us(pid: int) -> int:
    """When a process was started, in UTC µs; 0 when there is none."""
    try:
        return int(psutil.Process(pid).create_time() * 1_000_000)
    except psutil.Error:
        return 0


def _end(books: Books, at: Moment, session_id: str) -> None:
    store.close(books.conn, session_id, books.now(at))
    books.events.append(Event("session_closed", {"session": session_id}))


def head_at(path: str) -> Head | None:
    """The work tree with this `HEAD`; None for none."""
    return Head(Path(path)) if path else None


def _session(row: SessionRow, kept: dict[str, object]) -> Session:
    payer, auth = kept["payer"], kept["auth"]
    assert isinstance(payer, dict)
    assert isinstance(auth, dict)
    return Session(
        id=row.id,
        payer=Payer.from_known(payer),
        token="",
        auth=auth,
        pid=int(str(kept["pid"])),
        opened_us=row.opened_us,
        restored=True,
        head=head_at(str(kept.get("head", ""))),
    )
