"""One request's way past the rules besides budgets. Without rules nothing here is ever asked."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from agentspend.core.downgrades import Standing, Swap, candidates, chosen
from agentspend.core.facts import RequestFacts
from agentspend.core.pacing import Ticket
from agentspend.core.phrases import in_text
from agentspend.core.rules import Rules
from agentspend.core.scopes import Payer
from agentspend.proxy.desk import Desk
from agentspend.proxy.pacer import Slow
from agentspend.proxy.pauses import Pause
from agentspend.proxy.rulings import Ruling, model_ruling, paused_ruling, slow_ruling
from agentspend.proxy.sessions import Session


@dataclass(slots=True)
class Passage:
    """What the rules say of one request, and what it holds of them: its pass at the rate limits.

    `digest` is what the loop guard knows it by, `came_us` when; `answered`: its answer came whole.
    """

    desk: Desk
    session: Session
    rid: str
    rules: Rules = field(init=False)
    ticket: Ticket | None = None
    digest: bytes = b""
    came_us: int = 0
    answered: bool = False

    def __post_init__(self) -> None:
        self.rules = self.desk.rules_of(self.session)

    async def objection(self, payer: Payer, facts: RequestFacts) -> Ruling | None:
        """Why this request may not leave whatever the budgets say, if so."""
        if self.desk.pauses and (found := self.desk.pauses.of(self.session.id, payer.session)):
            return paused_ruling(*found)
        if self.rules.models:
            said_no = model_ruling(self.rules, payer, facts, self.desk.book_of(payer.team))
            if said_no is not None:
                return said_no
        if self.rules.loop_guard.repeats and facts.prefixes:
            return await self._loop(payer, facts)
        return None

    async def _loop(self, payer: Payer, facts: RequestFacts) -> Ruling | None:
        """Pause the session when this request goes in circles. Subagents may ask the same."""
        desk, guard, session = self.desk, self.rules.loop_guard, self.session.id
        digest = facts.prefixes[0].digest + payer.subagent.encode()
        now = desk.now()
        if not desk.repeats.loops(guard, session, digest, now.mono_us):
            self.digest, self.came_us = digest, now.mono_us
            desk.repeats.note(guard, session, digest, now.mono_us)
            return None
        live = [each.id for each in desk.sessions.all()]
        why = f"the same request came {guard.repeats} times within {in_text(guard.within_s)}"
        await desk.pauses.pause(session, why, now.wall_us, live)
        return paused_ruling(session, Pause(why, now.wall_us))

    async def downgrade(self, payer: Payer, counted: str) -> Swap | None:
        """Which model takes the place of this payer's, if a rule says so; a chain comes out as one.

        The bookkeeper is asked only where a rule is for it.
        """
        swap: Swap | None = None
        if not self.rules.downgrades:
            return swap
        asked = payer.model
        seen = {asked}
        while rules := candidates(self.rules, payer, self.desk.book_of(payer.team)):
            names = frozenset(rule.budget for rule in rules)
            rule = chosen(rules, await self._standings(names, payer, counted))
            if rule is None or rule.to in seen:
                break
            seen.add(rule.to)
            swap = Swap(asked, rule.to, rule.budget, rule.percent)
            payer = replace(payer, model=rule.to)
        return swap

    async def _standings(
        self, names: Collection[str], payer: Payer, counted: str
    ) -> dict[str, Standing]:
        return await self.desk.bookkeeper.ask(
            lambda books, at: books.rooms.standings(names, payer, counted, books.now(at))
        )

    async def pace(self, payer: Payer, tokens: int) -> tuple[Ruling, int] | None:
        """Wait until the rate limits let it pass; in vain: what to say, and in how many seconds
        it would pass."""
        wait_s = self.desk.admission.wait_s
        found = await self.desk.pacer.enter(self.rules.rates, self.rid, payer, tokens, wait_s)
        if isinstance(found, Slow):
            return slow_ruling(found, wait_s), found.retry_after_s
        self.ticket = found
        return None

    def end(self, used_tokens: int) -> None:
        """The request has ended, whatever became of it."""
        if self.ticket is not None:
            self.desk.pacer.leave(self.ticket, used_tokens)
        if self.digest and not self.answered:
            self.desk.repeats.take_back(self.session.id, self.digest, self.came_us)
