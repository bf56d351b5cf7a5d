"""Which policy is in force: the last adopted one, recorded as a ledger entry (DESIGN.md §6).

The configuration declares. What tightens is adopted at once; what loosens, removes or moves a
budget waits for `agentspend budget confirm`.
"""

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Event, Moment
from agentspend.bookkeeper.rooms import InForce
from agentspend.core.budgets import Budget
from agentspend.core.policy import PendingChange, budget_from_dict, budget_to_dict, policy_diff
from agentspend.store import accounts, entries
from agentspend.wire.entries import decode


class Adoption:
    """Keeps the books' budgets in step with what was adopted.

    `declared` is what the configuration last said; `waits` is what of it is not in force yet.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self.declared: tuple[Budget, ...] = ()
        self.waits: tuple[PendingChange, ...] = ()
        self._adopted_before = False
        self.load()

    def load(self) -> None:
        """Read the last adopted policy back from the ledger."""
        body = entries.last_of_kind(self._books.conn, "policy")
        self._adopted_before = body is not None
        if body is None:
            return
        policy = decode(body).policy or {}
        self._books.rooms.in_force = tuple(
            InForce(budget_from_dict(item), int(item["generation"])) for item in policy["budgets"]
        )

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """The budgets in force."""
        return tuple(item.budget for item in self._books.rooms.in_force)

    def declare(self, budgets: tuple[Budget, ...], at: Moment) -> tuple[PendingChange, ...]:
        """Take what the configuration says; returns what waits for a person."""
        self.declared = budgets
        diff = policy_diff(self.budgets if self._adopted_before else None, budgets)
        self.waits = diff.waits
        self._adopt(diff.adopt, "config", at)
        return self.waits

    def confirm(self, at: Moment) -> tuple[PendingChange, ...]:
        """A person agrees: adopt all that is declared. Returns what that changed."""
        changed = self.waits
        self._adopt(self.declared, "confirmed", at)
        self.waits = ()
        return changed

    def _adopt(self, budgets: tuple[Budget, ...], source: str, at: Moment) -> None:
        """Put these budgets in force, with an entry when they differ from those that were."""
        if budgets == self.budgets and (self._adopted_before or not budgets):
            return
        books = self._books
        now_us = books.now(at)
        before = {item.budget.name: item for item in books.rooms.in_force}
        seq = books.chain.seq + 1
        in_force = tuple(
            InForce(budget, _generation(before.get(budget.name), budget, seq)) for budget in budgets
        )
        dicts = [
            {**budget_to_dict(item.budget), "generation": item.generation} for item in in_force
        ]
        books.chain.append("policy", now_us, {"policy": {"budgets": dicts}, "text": source})
        self._adopted_before = True
        books.rooms.in_force = in_force
        for item in in_force:
            for account in accounts.of_budget(books.conn, item.budget.name, item.generation):
                if account.ends_us is None or account.ends_us > now_us:
                    budget = item.budget
                    accounts.set_limit(books.conn, account.id, budget.limit_nusd, budget.mode)
        names = [item.budget.name for item in in_force]
        books.events.append(Event("policy", {"seq": seq, "budgets": names, "source": source}))


def _generation(before: InForce | None, budget: Budget, seq: int) -> int:
    """A budget keeps its accounts while it measures the same thing."""
    if before is None:
        return seq
    same = (
        before.budget.scope == budget.scope
        and before.budget.window == budget.window
        and before.budget.counts == budget.counts
    )
    return before.generation if same else seq
