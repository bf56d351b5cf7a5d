"""Sessions across restarts: who was let in stands in the ledger's database, tokens as hashes.

A daemon that died and was started again lets a running agent's requests in at once; its `run`
hands the provider key over again when it reconnects. A virtual key's sessions come back by
themselves; those whose client still runs are known at once, so that it is still an agent.
"""

import asyncio
from pathlib import Path

import msgspec

from agentspend.bookkeeper import Bookkeeper
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Event, Moment
from agentspend.core.rules import BY_HAND, NO_RULES, Rules
from agentspend.core.scopes import Payer
from agentspend.daemon.processes import born_us, same_process
from agentspend.git import Head
from agentspend.proxy.key_sessions import KeySessions
from agentspend.proxy.sessions import Session, Sessions, token_hash
from agentspend.store import sessions as store
from agentspend.store.sessions import SessionRow


class Roster:
    """Opens and closes sessions, in memory and in the ledger's database."""

    def __init__(self, live: Sessions, bookkeeper: Bookkeeper, of_keys: KeySessions) -> None:
        self._live = live
        self._bookkeeper = bookkeeper
        self._of_keys = of_keys

    async def load(self) -> bool:
        """Let in the sessions whose `run` is still alive, and end the others; True if any is."""
        rows = await self._bookkeeper.ask(lambda books, _: store.all_open(books.conn))
        for row in rows:
            kept = msgspec.json.decode(row.body)
            if not same_process(kept["pid"], kept.get("born_us", 0)):
                await self.close(row.id)
                continue
            session = _session(row, kept)
            self._live.restore(row.token_hash, session)
            if session.key:
                self._of_keys.restore(session)
        return bool(self._live.all())

    async def end_the_lost(self) -> None:
        """End restored sessions whose `run` was killed before it came back: no line tells of it."""
        for session in self._live.all():
            if session.restored and not await asyncio.to_thread(_runs, session):
                await self.close(session.id)

    async def open(self, session: Session) -> None:
        """Let a session in, on disk first; what a person said of it before still holds."""
        before = next((each for each in self._live.all() if each.id == session.id), None)
        if before is not None:
            own = tuple(rule for rule in before.rules.models if rule.source == BY_HAND)
            session.rules += Rules(models=own)
        row = SessionRow(session.id, token_hash(session.token), _body(session), session.opened_us)
        await self._bookkeeper.ask(lambda books, _: store.put(books.conn, row))
        self._live.open(session)

    async def keep_rules(self, session: Session) -> None:
        """The rules of a running session changed: a restart must not forget it."""
        body = _body(session)
        await self._bookkeeper.ask(lambda books, _: store.set_body(books.conn, session.id, body))

    async def close(self, session_id: str) -> None:
        """End a session."""
        self._live.close(session_id)
        self._of_keys.forget(session_id)
        await self._bookkeeper.ask(lambda books, at: _end(books, at, session_id))


def _body(session: Session) -> bytes:
    """A session as JSON: who pays, how it authenticates, its rules and its process."""
    who = {"payer": session.payer.known(), "auth": dict(session.auth)}
    who |= {"providers": list(session.providers), "rules": session.rules}
    head = str(session.head.path) if session.head else ""
    since_us = session.born_us or born_us(session.pid)
    run = {"pid": session.pid, "born_us": since_us, "head": head}
    of_key = {"key": session.key, "client_id": session.client_id} if session.key else {}
    return msgspec.json.encode({**who, **run, **of_key})


def _runs(session: Session) -> bool:
    return same_process(session.pid, session.born_us)


def _end(books: Books, at: Moment, session_id: str) -> None:
    store.close(books.conn, session_id, books.now(at))
    books.events.append(Event("session_closed", {"session": session_id}))


def head_at(path: str) -> Head | None:
    """The work tree with this `HEAD`; None for none."""
    return Head(Path(path)) if path else None


def _session(row: SessionRow, kept: dict[str, object]) -> Session:
    payer, auth, providers = kept["payer"], kept["auth"], kept.get("providers", [])
    assert isinstance(providers, list)
    assert isinstance(payer, dict)
    assert isinstance(auth, dict)
    rules = msgspec.convert(kept.get("rules", {}), Rules)
    return Session(
        id=row.id,
        payer=Payer.from_known(payer),
        token="",
        auth=auth,
        pid=int(str(kept["pid"])),
        born_us=int(str(kept.get("born_us", 0))),
        opened_us=row.opened_us,
        restored="key" not in kept,
        head=head_at(str(kept.get("head", ""))),
        key=int(str(kept.get("key", 0))),
        client_id=str(kept.get("client_id", "")),
        providers=tuple(providers),
        rules=rules + NO_RULES,
    )
