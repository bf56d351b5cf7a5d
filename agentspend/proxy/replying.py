"""What one client hears from us instead of its provider, and the story that `why` tells of it."""

from dataclasses import dataclass

from aiohttp import web

from agentspend.core.scopes import Payer
from agentspend.dialects.base import Dialect
from agentspend.proxy.desk import Desk
from agentspend.proxy.rulings import Ruling
from agentspend.proxy.sessions import Session


@dataclass(frozen=True, slots=True)
class Replies:
    """Answers of our own to one request, in the shape its agent shows, and retries only if told."""

    desk: Desk
    session: Session
    dialect: Dialect
    user_agent: str
    rid: str

    def of_kind(self, kind: str, message: str, retry_after_s: int = 0) -> web.Response:
        """The answer for one kind of trouble, as `Dialect.reply` knows them."""
        reply = self.dialect.reply(kind, message, self.user_agent, self.rid, retry_after_s)
        return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)

    def refused(self, message: str) -> web.Response:
        """Say no: the agent stops."""
        self.session.refused += 1
        return self.of_kind("refused", message)

    async def declined(self, no: Ruling, payer: Payer) -> web.Response:
        """Say no before anything was held, and keep the story."""
        await self._note(no, payer, "refused")
        return self.refused(no.message)

    async def slowed(self, no: Ruling, payer: Payer, retry_after_s: int) -> web.Response:
        """Say later: the agent may ask again by itself."""
        await self._note(no, payer, "slowed")
        return self.of_kind("rate_limited", no.message, retry_after_s)

    async def _note(self, no: Ruling, payer: Payer, outcome: str) -> None:
        """The story has none of the request's own words: a name nobody knows may be anything."""
        who = {name: value for name, value in payer.known().items() if name != "model"}
        story = {"payer": who, "provider": payer.provider, "reason": no.reason, **no.told}
        await self.desk.bookkeeper.note_refused(self.rid, payer.session, story, outcome)
