"""Pausing sessions and letting them go on: a person's to do, over the control API."""

from collections.abc import Callable, Mapping

from agentspend.bookkeeper import Bookkeeper
from agentspend.core.errors import AgentspendError, Kind
from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.proxy.desk import Desk
from agentspend.proxy.pauses import EVERYBODY
from agentspend.store import pauses as store
from agentspend.wire.control import Op

BY_A_PERSON = "a person paused it"


class PauseOperations:
    """Pauses one session, or everybody."""

    def __init__(
        self, desk: Desk, bookkeeper: Bookkeeper, no_agent: Callable[[Caller, str], None]
    ) -> None:
        self._desk = desk
        self._bookkeeper = bookkeeper
        self._no_agent = no_agent

    def table(self) -> dict[str, Operation]:
        """The method of each operation."""
        return {Op.SESSION_PAUSE: self.pause, Op.SESSION_RESUME: self.resume}

    async def load(self) -> None:
        """Pauses hold across restarts."""
        self._desk.pauses.load(await self._bookkeeper.ask(lambda books, _: store.read(books.conn)))
        self._desk.pauses.keep = self._keep

    async def pause(self, caller: Caller, message: Message) -> None:
        """Refuse a session's requests ("": everybody's) until it is resumed."""
        self._no_agent(caller, "pause a session")
        session = str(message["session"])
        live = [each.id for each in self._desk.sessions.all()]
        if session != EVERYBODY and session not in live:
            raise AgentspendError(
                f"no session {session!r} runs",
                "agentspend status    lists those that do",
                Kind.UNKNOWN_NAME,
            )
        now_us = self._desk.now().wall_us
        await self._desk.pauses.pause(session, BY_A_PERSON, now_us, live)
        await caller.send({"paused": self._desk.pauses.told()})

    async def resume(self, caller: Caller, message: Message) -> None:
        """Let a session ("": everybody) go on."""
        self._no_agent(caller, "let a paused session go on")
        session = str(message["session"])
        ended = await self._desk.pauses.resume(session)
        for name in ended:
            self._desk.repeats.forget(name)
        await caller.send({"resumed": ended, "paused": self._desk.pauses.told()})

    async def _keep(self, paused: Mapping[str, Mapping[str, object]]) -> None:
        if not self._bookkeeper.read_only:
            await self._bookkeeper.ask(lambda books, _: store.put(books.conn, paused))
