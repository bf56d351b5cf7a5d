"""One request's way past the rules besides budgets. Without rules nothing here is ever asked."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from agentspend.core.downgrades import Standing, Swap, candidates, chosen
from agentspend.core.facts import RequestFacts
from agentspend.core.pacing import Ticket
from agentspend.core.rules import Rules
from agentspend.core.scopes import Payer
from agentspend.proxy.desk import Desk
from agentspend.proxy.pacer import Slow
from agentspend.proxy.rulings import Ruling, model_ruling, slow_ruling


@dataclass(slots=True)
class Passage:
    """What the rules say of one request, and what it holds of them: its pass at the rate limits."""

    desk: Desk
    rules: Rules
    rid: str
    ticket: Ticket | None = None

    def objection(self, payer: Payer, facts: RequestFacts) -> Ruling | None:
        """Why a rule forbids this request for good, if one does."""
        if self.rules.models:
            return model_ruling(self.rules, payer, facts, self.desk.book)
        return None

    async def downgrade(self, payer: Payer, counted: str) -> Swap | None:
        """Which model takes the place of this payer's, if a rule says so; a chain comes out as one.

        The bookkeeper is asked only where a rule is for it.
        """
        swap: Swap | None = None
        asked = payer.model
        seen = {asked}
        while rules := candidates(self.rules, payer, self.desk.book):
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
