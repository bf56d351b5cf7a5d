"""The sessions of virtual keys: one for each session of the client's own, opened by its requests.

They end when nothing came for a while; the next request opens them again. A key whose client names
no session has one under the key's name.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from agentspend.core.limits import KEY_SESSION_IDLE_S, MAX_SESSIONS_PER_KEY
from agentspend.core.scopes import Payer
from agentspend.proxy.clients import agent_of, client_session
from agentspend.proxy.sessions import Session, Sessions
from agentspend.proxy.virtual_keys import Holder, VirtualKeys

Begin = Callable[[Session, int], Awaitable[None]]
_Place = tuple[int, str, str]


async def _just_begin(session: Session, client_port: int) -> None:
    """Where nobody keeps a roster, a session begins without further ado."""


@dataclass(slots=True)
class KeySessions:
    """Who comes with a virtual key. `here` are the member and device of this machine.

    `begin` is called before a session's first request goes on, with the port of the client's end.
    """

    live: Sessions
    keys: VirtualKeys = field(default_factory=VirtualKeys)
    here: Payer = field(default_factory=Payer)
    auth: Mapping[str, str] = field(default_factory=dict)
    begin: Begin = _just_begin
    _open: dict[_Place, Session] = field(default_factory=dict)
    _used_us: dict[str, int] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def enter(
        self, holder: Holder, headers: Mapping[str, str], client_port: int, now_us: int
    ) -> Session:
        """The session a request belongs to, opened where it is the first."""
        key = holder.key
        agent = key.agent or agent_of(headers)
        place = (holder.number, agent, client_session(headers) or key.alias)
        session = self._open.get(place)
        if session is None:
            async with self._turn:
                session = self._open.get(place) or await self._begin(
                    holder, place, client_port, now_us
                )
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

    def idle(self, now_us: int, busy: Collection[str]) -> list[str]:
        """The sessions in which nothing happened for a while; `busy` have requests in flight."""
        before_us = now_us - KEY_SESSION_IDLE_S * 1_000_000
        return [
            session.id
            for session in self._open.values()
            if session.id not in busy and self._used_us[session.id] < before_us
        ]

    def of(self, number: int) -> list[str]:
        """The open sessions of a key."""
        return [session.id for place, session in self._open.items() if place[0] == number]

    def forget(self, session_id: str) -> None:
        """A session has ended."""
        self._open = {at: each for at, each in self._open.items() if each.id != session_id}
        self._used_us.pop(session_id, None)

    async def _begin(self, holder: Holder, place: _Place, client_port: int, now_us: int) -> Session:
        number, agent, client_id = place
        key = holder.key
        if len(self.of(number)) >= MAX_SESSIONS_PER_KEY and client_id != key.alias:
            place = (number, agent, key.alias)
            if place in self._open:
                return self._open[place]
        session = Session(
            id=self._name(key.alias, agent, place[2]),
            payer=Payer(agent=agent, project=key.project, key=key.alias, tags=key.tags),
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
        await self.begin(session, client_port)
        self.live.open(session)
        self._open[place] = session
        return session

    def _name(self, alias: str, agent: str, client_id: str) -> str:
        """The client's own id where nobody else goes by it, so that its log and ours agree."""
        taken = {session.id for session in self.live.all()}
        names = (client_id, f"{alias}:{client_id}")
        return next((name for name in names if name not in taken), f"{alias}:{agent}:{client_id}")
