"""Who may come through: sessions by the hash of their token, with the key each one uses.

A token is 256 random bits and worth nothing after its `run` ended. Provider keys live here, in
memory, and never in the ledger, a log, or a repr.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from agentspend.core.limits import MAX_IN_FLIGHT_PER_SESSION
from agentspend.core.rules import NO_RULES, Rules
from agentspend.core.scopes import Payer
from agentspend.git import Head


@dataclass(slots=True)
class Session:
    """One `agentspend run`, or one session of a virtual key's client.

    `keys` maps a provider to the key its caller had in the environment.
    `auth` says per provider who authenticates ("auto", "key" or "passthrough").
    `restored`: let in again after a restart; its `run` has not handed its keys over yet.
    `providers` are the only ones its requests may go to, the preferred first; () means the usual
    one of each API.
    `rules` hold for its requests besides the configuration's: those of its virtual key or of the
    repository it works in. `head` is the work tree whose branch its requests are filed under, None
    where the branch cannot change. `pid` is the `run`, or the client of a virtual key where it
    could be found; `born_us` is when that client, or the `run` of a restored session, was started.
    `key` is the key's row (0: none), and `client_id` its client's own name of the session.
    """

    id: str
    payer: Payer
    token: str = field(repr=False)
    auth: Mapping[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    pid: int = 0
    born_us: int = 0
    key: int = 0
    client_id: str = ""
    opened_us: int = 0
    restored: bool = False
    requests: int = 0
    refused: int = 0
    rules: Rules = NO_RULES
    head: Head | None = None
    providers: tuple[str, ...] = ()
    slots: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_IN_FLIGHT_PER_SESSION), repr=False
    )

    @property
    def branch(self) -> str:
        """The branch that is checked out now, where there is a work tree to look at."""
        return self.head.branch() if self.head else self.payer.branch


class Sessions:
    """The live sessions."""

    def __init__(self) -> None:
        self._by_hash: dict[str, Session] = {}

    def open(self, session: Session) -> None:
        """Let a session in; opening it again replaces what was known of it."""
        self.close(session.id)
        self._by_hash[token_hash(session.token)] = session

    def restore(self, hashed: str, session: Session) -> None:
        """Let a session in by the hash of its token, which is all a restart knows."""
        self._by_hash[hashed] = session

    def close(self, session_id: str) -> None:
        """Its token is worthless from here on."""
        self._by_hash = {h: s for h, s in self._by_hash.items() if s.id != session_id}

    def by_token(self, token: str) -> Session | None:
        """The live session of a token. Looked up by hash, so no comparison leaks its bytes."""
        session = self._by_hash.get(token_hash(token))
        if session is not None and not session.token:
            session.token = token
        return session

    def all(self) -> list[Session]:
        """Every live session, oldest first."""
        return sorted(self._by_hash.values(), key=lambda session: session.opened_us)


def token_hash(token: str) -> str:
    """What is kept of a token: SHA-256 in hex."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()
