"""What a `run` asks of the daemon: open a session that lives as long as it does, and its sum."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from agentspend.bookkeeper import Bookkeeper, snapshot
from agentspend.core.errors import AgentspendError, Kind
from agentspend.core.virtual_keys import is_token
from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.daemon.persons import outer_of
from agentspend.daemon.policy_operations import PolicyOperations
from agentspend.daemon.reload import Reload
from agentspend.daemon.roster import Roster, head_at
from agentspend.daemon.session_team import begun, told
from agentspend.daemon.vault import Vault
from agentspend.proxy.desk import Desk
from agentspend.proxy.patience import asks_for_s
from agentspend.proxy.routing import unknown_provider
from agentspend.proxy.server import Proxy
from agentspend.proxy.sessions import Session
from agentspend.wire.control import Op

SESSION_ENDS_WITHIN_S = 3.0


@dataclass(slots=True)
class SessionOperations:
    """Opens sessions, and says what each did."""

    desk: Desk
    bookkeeper: Bookkeeper
    proxy: Proxy
    roster: Roster
    reload: Reload
    vault: Vault
    policy: PolicyOperations

    def table(self) -> dict[str, Operation]:
        """The method of each operation."""
        return {Op.SESSION_OPEN: self.open, Op.SESSION_TOTAL: self.total}

    async def open(self, caller: Caller, message: Message) -> None:
        """Open a session that lives as long as this connection, across restarts of the daemon.

        It goes by the configuration as it is written when it begins.
        """
        await self.reload.newest()
        name = str(message.get("session") or f"s_{secrets.token_hex(8)}")
        self._not_anothers(caller, name)
        place, teams = await begun(self.bookkeeper, message, outer_of(caller, self.desk.sessions))
        waits = await self.policy.declare(place)
        session = Session(
            id=name,
            payer=place.payer,
            token=str(message.get("token") or secrets.token_urlsafe(32)),
            auth={name: each.auth for name, each in self.reload.providers.items()},
            keys=self._keys(message.get("keys", {})),
            providers=self._chosen(message.get("providers", ())),
            pid=caller.peer.pid,
            opened_us=self.desk.now().wall_us,
            rules=place.rules,
            head=head_at(str(message.get("head", ""))),
        )
        await self.roster.open(session)
        await self.vault.ready()
        await caller.send(
            {
                "session": session.id,
                "counts_as": session.payer.session,
                "payer": told(session.payer, teams),
                "teams": teams,
                "waits": [change.text for change in waits],
                "token": session.token,
                "port": self.proxy.port,
                "statusline": self.reload.declared.config.statusline,
                "asks_for_s": asks_for_s(session.payer.agent)
                if self.desk.admission.on_exceed == "ask"
                else 0,
                "stored_keys": self.vault.providers,
                "locked": self.vault.locked,
                "providers": {
                    name: {
                        "auth": each.auth,
                        "upstream": each.base_url,
                        "urls": {dialect: each.url(dialect) for dialect in each.dialects},
                    }
                    for name, each in self.reload.providers.items()
                },
            }
        )
        with suppress(ConnectionError):
            while await caller.next_line():
                pass
        if any(live is session for live in self.desk.sessions.all()):
            await self.roster.close(session.id)

    async def total(self, caller: Caller, message: Message) -> None:
        """What a session cost, once its last requests have settled."""
        session_id = str(message["session"])
        await self.proxy.quiet(session_id, SESSION_ENDS_WITHIN_S)
        total = await self.bookkeeper.ask(
            lambda books, _: {
                **snapshot.session_total(books, session_id),
                "last_release": snapshot.last_release(books, session_id),
            }
        )
        live = [each for each in self.desk.sessions.all() if each.payer.session == session_id]
        await caller.send({**total, "came": sum(each.requests for each in live)})

    def _chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """The providers that a session's requests may go to; refused for one that is not set up."""
        for name in names:
            if name not in self.desk.providers:
                found = unknown_provider(name, self.desk.providers)
                raise AgentspendError(*found, Kind.UNKNOWN_NAME)
        return tuple(names)

    def _keys(self, given: Mapping[str, str]) -> dict[str, str]:
        """The caller's keys. An outer session's token stands for the key that it stands for."""
        found: dict[str, str] = {}
        for provider, key in given.items():
            if is_token(key):
                continue
            outer = self.desk.sessions.by_token(key)
            own = outer.keys.get(provider, "") if outer is not None else key
            if own:
                found[provider] = own
        return found

    def _not_anothers(self, caller: Caller, name: str) -> None:
        """A live session is its `run`'s own: whoever could open it again could also end it."""
        if any(
            session.id == name and session.pid != caller.peer.pid
            for session in self.desk.sessions.all()
        ):
            raise AgentspendError(
                f"session {name} is another process's", "agentspend run    opens one of your own"
            )
