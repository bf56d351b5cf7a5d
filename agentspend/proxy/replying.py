"""What one client hears from us instead of its provider, and the story that `why` tells of it."""

import msgspec

from agentspend.bookkeeper.outcomes import Refused
from agentspend.core.admission import RefusalReason
from agentspend.core.facts import RequestFacts
from agentspend.core.limits import LONGEST_RETRY_AFTER_S
from agentspend.core.scopes import Payer
from agentspend.dialects.base import Dialect
from agentspend.http.reply import Reply
from agentspend.proxy.desk import Desk
from agentspend.proxy.refusal import refused_message, why_so_much
from agentspend.proxy.rulings import Ruling
from agentspend.proxy.sessions import Session


class Replies(msgspec.Struct, frozen=True):
    """Answers of our own to one request, in the shape its agent shows, and retries only if told."""

    desk: Desk
    session: Session
    dialect: Dialect
    user_agent: str
    rid: str

    def of_kind(self, kind: str, message: str, retry_after_s: int = 0) -> Reply:
        """The answer for one kind of trouble, as `Dialect.reply` knows them.

        Who must wait longer than agents do is asked to come again sooner, and waits once more.
        """
        after_s = min(retry_after_s, LONGEST_RETRY_AFTER_S)
        reply = self.dialect.reply(kind, message, self.user_agent, self.rid, after_s)
        return Reply(reply.status, reply.headers, reply.body)

    def refused(self, message: str) -> Reply:
        """Say no: the agent stops."""
        self.session.refused += 1
        return self.of_kind("refused", message)

    def refused_by(self, refused: Refused, facts: RequestFacts) -> Reply:
        """Say no for a budget; a velocity cap says later instead (the books keep both stories)."""
        desk = self.desk
        now_us = desk.now().wall_us
        message = refused_message(
            refused, desk.local_now(), desk.zone, desk.admission.wait_s, why_so_much(facts)
        )
        if refused.reason is not RefusalReason.TOO_FAST:
            return self.refused(message)
        left_us = (refused.resets_us or now_us) - now_us
        return self.of_kind("rate_limited", message, max(1, -(-left_us // 1_000_000)))

    async def declined(self, no: Ruling, payer: Payer) -> Reply:
        """Say no before anything was held, and keep the story."""
        await self._note(no, payer, "refused")
        return self.refused(no.message)

    async def slowed(self, no: Ruling, payer: Payer, retry_after_s: int) -> Reply:
        """Say later: the agent may ask again by itself."""
        await self._note(no, payer, "slowed")
        return self.of_kind("rate_limited", no.message, retry_after_s)

    async def _note(self, no: Ruling, payer: Payer, outcome: str) -> None:
        """The story has none of the request's own words: a name nobody knows may be anything."""
        who = {name: value for name, value in payer.known().items() if name != "model"}
        story = {"payer": who, "provider": payer.provider, "reason": no.reason, **no.told}
        await self.desk.bookkeeper.note_refused(self.rid, payer.session, story, outcome)
