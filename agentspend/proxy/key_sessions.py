"""The sessions of virtual keys: one for each session of the client's own, opened by its requests.

A client that names no session has one for each of its processes, under the key's name. Sessions end
when nothing came for a while; the next request opens them again.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from agentspend.core.limits import (
    CONNECTION_IDLE_S,
    KEY_SESSION_IDLE_S,
    MAX_KNOWN_CONNECTIONS,
    MAX_SESSIONS_PER_KEY,
)
from agentspend.core.scopes import Payer
from agentspend.proxy.clients import agent_of, client_session
from agentspend.proxy.sessions import Session, Sessions
from agentspend.proxy.virtual_keys import Holder, VirtualKeys

NOBODY = "pid 0"
_Place = tuple[int, str, str]


async def _nobody_knows(_: int) -> int:
    return 0


async def _just_begin(session: Session, pid: int) -> None:
    """Where nobody keeps a roster, a session begins without further ado."""


def _not_again(session: Session, port: int) -> None:
    """Where nobody looks for processes, nobody looks again."""


@dataclass(slots=True)
class KeySessions:
    """Who comes with a virtual key. `here` are the member and device of this machine.

    `client` finds the process behind a connection by its port (0: nobody knows). `begin` is called
    with it before a session's first request goes on, and may raise `AgentspendError`; `again` when
    a session that is known came by another connection.
    """

    live: Sessions
    keys: VirtualKeys = field(default_factory=VirtualKeys)
    here: Payer = field(default_factory=Payer)
    auth: Mapping[str, str] = field(default_factory=dict)
    client: Callable[[int], Awaitable[int]] = _nobody_knows
    begin: Callable[[Session, int], Awaitable[None]] = _just_begin
    again: Callable[[Session, int], object] = _not_again
    _open: dict[_Place, Session] = field(default_factory=dict)
    _used_us: dict[str, int] = field(default_factory=dict)
    _ports: dict[int, tuple[int, int]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def enter(
        self, holder: Holder, headers: Mapping[str, str], port: int, now_us: int
    ) -> Session:
        """The session a request belongs to, opened where it is the first."""
        agent = holder.key.agent or agent_of(headers)
        own = client_session(headers)
        session = self._open.get((holder.number, agent, own)) if own else None
        pid = self._known(port, now_us)
        if session is None:
            if pid is None:
                pid = await self.client(port)
            place = (holder.number, agent, own or f"pid {pid}")
            session = await self._of(holder, place, pid, now_us)
        elif pid is None:
            self.again(session, port)
        self._remember(port, session.pid if pid is None else pid, now_us)
        self._used_us[session.id] = now_us
        session.auth = self.auth
        return session

    def restore(self, session: Session) -> None:
        """Know a session again that was open before a restart, if its key is still there."""
        holder = next((each for each in self.keys.all() if each.number == session.key), None)
        if holder is not None:
            session.rules += holder.key.rules()
            self._open[session.key, session.payer.agent, session.client_id] = session
            self._used_us[session.id] = session.opened_us

    def idle(
        self, now_us: int, busy: Collection[str], gone: Callable[[Session], bool]
    ) -> list[str]:
        """The sessions in which nothing happened for a while, or whose client is `gone`.

        `busy` have requests in flight.
        """
        before_us = now_us - KEY_SESSION_IDLE_S * 1_000_000
        return [
            session.id
            for session in self._open.values()
            if session.id not in busy and (self._used_us[session.id] < before_us or gone(session))
        ]

    def of(self, number: int) -> list[str]:
        """The open sessions of a key."""
        return [session.id for place, session in self._open.items() if place[0] == number]

    def forget(self, session_id: str) -> None:
        """A session has ended."""
        self._open = {at: each for at, each in self._open.items() if each.id != session_id}
        self._used_us.pop(session_id, None)

    def _known(self, port: int, now_us: int) -> int | None:
        """The process of a connection that is in use, None for one that is new."""
        pid, seen_us = self._ports.get(port, (0, 0))
        fresh = seen_us > now_us - CONNECTION_IDLE_S * 1_000_000
        return pid if port and seen_us and fresh else None if port else 0

    def _remember(self, port: int, pid: int, now_us: int) -> None:
        self._ports.pop(port, None)
        self._ports[port] = (pid, now_us)
        while len(self._ports) > MAX_KNOWN_CONNECTIONS:
            del self._ports[next(iter(self._ports))]

    async def _of(self, holder: Holder, place: _Place, pid: int, now_us: int) -> Session:
        found = self._open.get(place)
        if found is not None:
            return found
        async with self._turn:
            return self._open.get(place) or await self._begin(holder, place, pid, now_us)

    async def _begin(self, holder: Holder, place: _Place, pid: int, now_us: int) -> Session:
        number, agent, client_id = place
        key = holder.key
        if len(self.of(number)) >= MAX_SESSIONS_PER_KEY:
            place, pid = (number, agent, NOBODY), 0
            if place in self._open:
                return self._open[place]
        session = Session(
            id=self._name(key.alias, agent, "" if place[2].startswith("pid ") else client_id, pid),
            payer=Payer(
                agent=agent, project=key.project, key=key.alias, team=key.team, tags=key.tags
            ),
            token=secrets.token_urlsafe(32),
            opened_us=now_us,
            rules=key.rules(),
            key=number,
            client_id=place[2],
            providers=(key.provider,) if key.provider else (),
        )
        session.payer = replace(
            session.payer,
            session=session.id,
            member=self.here.member,
            device=self.here.device,
        )
        await self.begin(session, pid)
        self.live.open(session)
        self._open[place] = session
        return session

    def _name(self, alias: str, agent: str, client_id: str, pid: int) -> str:
        """The client's own id where nobody else goes by it, so that its log and ours agree."""
        taken = {session.id for session in self.live.all()}
        names = (client_id, f"{alias}:{client_id}") if client_id else (alias, f"{alias}-{pid}")
        otherwise = f"{alias}:{agent}:{client_id or pid}"
        return next((name for name in names if name not in taken), otherwise)
